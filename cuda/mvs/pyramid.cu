// SPDX-License-Identifier: Apache-2.0
// Image pyramids, one thread a pixel.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/pyramid.h"
#include "mvs/pyramid.hd.h"

namespace fastcv::cuda::mvs {

template <class T>
void halve_image(View<const T, 3> image, View<T, 3> out, cudaStream_t stream) {
  for_each(out.size(), gpu::HalveImage<T>{image, out}, stream);
}
template void halve_image(View<const std::uint8_t, 3>, View<std::uint8_t, 3>, cudaStream_t);
template void halve_image(View<const std::uint16_t, 3>, View<std::uint16_t, 3>, cudaStream_t);
template void halve_image(View<const float, 3>, View<float, 3>, cudaStream_t);

void halve_mask(View<const std::uint8_t, 2> mask, View<std::uint8_t, 2> out, cudaStream_t stream) {
  for_each(out.size(), gpu::HalveMask{mask, out}, stream);
}
void median(View<const float, 2> image, View<float, 2> out, cudaStream_t stream) {
  for_each(out.size(), gpu::Median{image, out}, stream);
}
void extremes(View<const float, 2> image, View<float, 3> out, cudaStream_t stream) {
  for_each(image.size(), gpu::Extremes{image, out}, stream);
}
void local_ranges(View<const float, 3> coarse, const LocalPlanes& planes, View<float, 4> out, cudaStream_t stream) {
  for_each(2 * out.shape[2] * out.shape[3], gpu::LocalRanges{coarse, planes, out}, stream);
}

}  // namespace fastcv::cuda::mvs
