// SPDX-License-Identifier: Apache-2.0
// Refinement, one thread a pixel of one colour of the checkerboard.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/refine_depth.h"
#include "mvs/depth_normals.hd.h"
#include "mvs/refine_pixel.hd.h"

namespace fastcv::cuda::mvs {
namespace {

struct Start {
  Refinement refinement;
  RefinedMap map;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = map.depth.shape[1];
    gpu::start_pixels<float>(refinement, map, static_cast<std::int32_t>(i % width),
                             static_cast<std::int32_t>(i / width), 1);
  }
};

// i counts pairs of pixels of a row, of which one has the colour.
struct Update {
  Refinement refinement;
  fastcv::mvs::PlaneMap planes;
  int iteration, color;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = planes.cost.shape[1], pairs = (width + 1) / 2, y = i / pairs;
    const std::int64_t x = i % pairs * 2 + ((y + color) & 1);
    if (x >= width) return;
    gpu::update_pixels<float>(refinement, planes, iteration, static_cast<std::int32_t>(x), static_cast<std::int32_t>(y),
                              1);
  }
};

struct Finish {
  Refinement refinement;
  RefinedMap map;
  FASTCV_HD void operator()(std::int64_t i) const { gpu::finish_pixel(refinement, map, i); }
};

}  // namespace

void refine_depth(Refinement refinement, const RefinedMap& map, int num_iterations, cudaStream_t stream) {
  set_weights(refinement);
  const std::int64_t height = map.depth.shape[0], pairs = (map.depth.shape[1] + 1) / 2;
  for_each(map.depth.size(), Start{refinement, map}, stream);
  for (int iteration = 0; iteration < num_iterations; ++iteration) {
    for (int color = 0; color < 2; ++color) {
      for_each(height * pairs, Update{refinement, plane_map(map), iteration, color}, stream);
    }
  }
  for_each(map.depth.size(), Finish{refinement, map}, stream);
}

void depth_normals(View<const float, 2> depth, const double* K, View<float, 3> out, cudaStream_t stream) {
  gpu::NormalOne one{depth, {}, out.data};
  for (int i = 0; i < 9; ++i) one.K[i] = K[i];
  for_each(depth.size(), one, stream);
}

}  // namespace fastcv::cuda::mvs
