// SPDX-License-Identifier: Apache-2.0
// Undistortion of images, one thread a pixel of the result.
#include "camera/require.h"
#include "camera/undistort_image.hd.h"
#include "cuda/camera/undistort_image.h"
#include "cuda/core/launch.cuh"

namespace fastcv::cuda::camera {
namespace {

template <int kChannels, class Model, class V>
struct UndistortPixel {
  gpu::SourcePosition<Model> position;
  View<const V, 3> image;
  View<V, 3> result;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = result.shape[1];
    const auto image_width = static_cast<std::int32_t>(image.shape[1]);
    const auto image_height = static_cast<std::int32_t>(image.shape[0]);
    const gpu::Tap tap = gpu::tap_at(position(i / width, i % width), image_width, image_height);
    const gpu::Neighbours next(image);
    const V* at = image.data + (tap.column < 0 ? 0 : tap.row * next.row_stride + tap.column * kChannels);
    for (int c = 0; c < kChannels; ++c) {
      result.data[i * kChannels + c] =
          gpu::blend(at[c], at[next.right + c], at[next.below + c], at[next.below + next.right + c], tap);
    }
  }
};

}  // namespace

template <class V>
void undistort_image(int model_id, const double* params, const double* ray_from_pixel, View<const V, 3> image,
                     View<V, 3> result, cudaStream_t stream) {
  bool known = false;
  gpu::with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    known = gpu::with_channels(image.shape[2], [&](auto channels) {
      const UndistortPixel<decltype(channels)::value, Model, V> pixel{
          gpu::SourcePosition<Model>(params, ray_from_pixel), image, result};
      for_each(result.shape[0] * result.shape[1], pixel, stream);
    });
  });
  fastcv::camera::require_model(known, model_id);
}

template void undistort_image(int, const double*, const double*, View<const unsigned char, 3>, View<unsigned char, 3>,
                              cudaStream_t);
template void undistort_image(int, const double*, const double*, View<const float, 3>, View<float, 3>, cudaStream_t);

}  // namespace fastcv::cuda::camera
