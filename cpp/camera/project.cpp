// SPDX-License-Identifier: Apache-2.0
// Splits the points over threads and calls the leaf for this processor.
#include "camera/project.h"

#include "core/parallel.h"

#define FASTCV_LEAF "camera/project.leaf.h"
#include "core/leaf.h"

namespace fastcv::camera {
namespace {

template <class T>
void project_range(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels) {
  FASTCV_DISPATCH(camera::project(model_id, params, points, pixels));
}

}  // namespace

template <class T>
void project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, int num_threads) {
  constexpr std::int64_t kGrain = 1 << 16;
  parallel_for(points.rows, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    project_range<T>(model_id, params, {points[begin], end - begin}, {pixels[begin], end - begin});
  });
}

template void project(int, const double*, Rows<const float, 3>, Rows<float, 2>, int);
template void project(int, const double*, Rows<const double, 3>, Rows<double, 2>, int);

}  // namespace fastcv::camera
