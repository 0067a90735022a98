// SPDX-License-Identifier: Apache-2.0
// Splits the rows of the result over threads and calls the leaf for this processor.
#include "camera/undistort_image.h"

#include "camera/ranges.h"

#define FASTCV_LEAF "camera/undistort_image.leaf.h"
#include "core/leaf.h"

namespace fastcv::camera {
namespace {

template <class V>
bool undistort_rows(int model_id, const double* params, const double* ray_from_pixel, View<const V, 3> image,
                    View<V, 3> result, std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(camera::undistort_image(model_id, params, ray_from_pixel, image, result, begin, end));
}

}  // namespace

template <class V>
void undistort_image(int model_id, const double* params, const double* ray_from_pixel, View<const V, 3> image,
                     View<V, 3> result, int num_threads) {
  const std::int64_t rows = kGrain / std::max<std::int64_t>(result.shape[1], 1) + 1;
  parallel_for(result.shape[0], rows, num_threads, [&](std::int64_t begin, std::int64_t end) {
    require_model(undistort_rows(model_id, params, ray_from_pixel, image, result, begin, end), model_id);
  });
}

template void undistort_image(int, const double*, const double*, View<const unsigned char, 3>, View<unsigned char, 3>,
                              int);
template void undistort_image(int, const double*, const double*, View<const float, 3>, View<float, 3>, int);

}  // namespace fastcv::camera
