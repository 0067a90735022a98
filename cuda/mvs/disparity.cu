// SPDX-License-Identifier: Apache-2.0
// Disparity of a rectified pair on a GPU, by semi-global matching.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/disparity.h"
#include "cuda/mvs/follow_paths.cuh"
#include "cuda/mvs/stream_buffer.h"
#include "mvs/census_luma.hd.h"
#include "mvs/stereo_volume.hd.h"

namespace fastcv::cuda::mvs {
template <class T>
void census_luma(View<const T, 3> image, View<std::uint16_t, 2> out, cudaStream_t stream) {
  for_each(out.size(), gpu::CensusLuma<T>{image, out}, stream);
}
template void census_luma(View<const std::uint8_t, 3>, View<std::uint16_t, 2>, cudaStream_t);
template void census_luma(View<const std::uint16_t, 3>, View<std::uint16_t, 2>, cudaStream_t);
template void census_luma(View<const float, 3>, View<std::uint16_t, 2>, cudaStream_t);

void estimate_disparity(View<const std::uint16_t, 2> left, View<const std::uint16_t, 2> right, const StereoMatch& match,
                        const DisparityMap& out, cudaStream_t stream) {
  const std::int64_t height = out.disparity.shape[0], width = out.disparity.shape[1], pixels = height * width;
  const std::int64_t num = match.num_disparities;
  const StreamBuffer<std::uint64_t> census_left(pixels, stream), census_right(pixels, stream);
  const StreamBuffer<std::uint8_t> costs(pixels * num, stream), sums(pixels * num, stream);
  const StreamBuffer<gpu::BestDisparity> best(pixels, stream);
  const StreamBuffer<std::int32_t> right_index(pixels, stream);
  const gpu::StereoVolume volume{match, {costs.get(), {height, width, num}}, {sums.get(), {height, width, num}}};
  const View<std::uint64_t, 2> bits_left{census_left.get(), {height, width}},
      bits_right{census_right.get(), {height, width}};
  for_each(pixels, gpu::CensusPixel{left, bits_left}, stream);
  for_each(pixels, gpu::CensusPixel{right, bits_right}, stream);
  const View<const std::uint64_t, 2> l{bits_left.data, {height, width}}, r{bits_right.data, {height, width}};
  for_each(pixels, gpu::CostPixel{volume, l, r}, stream);
  for (int direction = 0; direction < gpu::kNumPaths; ++direction) {
    follow_paths({costs.get(), {height, width, num}}, volume.sum, match.p1, match.p2, direction, direction == 0,
                 stream);
  }
  for_each(pixels, gpu::BestPixel{volume, best.get()}, stream);
  for_each(pixels, gpu::RightPixel{volume, right_index.get()}, stream);
  for_each(pixels, gpu::FinishPixel{match, out, best.get(), right_index.get()}, stream);
}

}  // namespace fastcv::cuda::mvs
