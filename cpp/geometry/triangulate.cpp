// SPDX-License-Identifier: Apache-2.0
// Splits the tracks over threads. Tracks differ in length, so there is nothing to vectorise and no leaf.
#include "geometry/triangulate.h"

#include "core/parallel.h"
#include "geometry/triangulate.hd.h"

namespace fastcv::geometry {
namespace {

constexpr std::int64_t kGrain = 4096;

template <class One>
void for_each(std::int64_t n, const One& one, int num_threads) {
  parallel_for(n, kGrain, num_threads, [&one](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

}  // namespace

void triangulate(Rows<const double, 2> points2D, const std::int32_t* image_indices, const std::int64_t* point_offsets,
                 Rows<const double, 12> cam_from_world, int refine_steps, Rows<double, 3> xyz, int num_threads) {
  for_each(xyz.rows,
           generic::TriangulateOne{{points2D, image_indices, point_offsets, cam_from_world}, refine_steps, xyz},
           num_threads);
}

void triangulation_angles(Rows<const double, 3> xyz, Rows<const double, 3> centers, const std::int32_t* image_indices,
                          const std::int64_t* point_offsets, double* angles, int num_threads) {
  for_each(xyz.rows, generic::TriangulationAngleOne{xyz, centers, image_indices, point_offsets, angles}, num_threads);
}

}  // namespace fastcv::geometry
