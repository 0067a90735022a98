// SPDX-License-Identifier: Apache-2.0
// Semi-global matching, one block a line of a path: its costs stay in shared memory, and threads share the disparities.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/disparity.h"
#include "cuda/mvs/stream_buffer.h"
#include "mvs/census_luma.hd.h"
#include "mvs/stereo_volume.hd.h"

namespace fastcv::cuda::mvs {
namespace {

constexpr int kMostThreads = 256;

// The smallest value of a warp, in its first lane.
__device__ std::int32_t warp_least(std::int32_t value) {
  for (int offset = 16; offset > 0; offset /= 2) {
    value = gpu::smaller(value, __shfl_down_sync(0xffffffffU, value, offset));
  }
  return value;
}

// Adds what the paths of one direction contribute to the sums. Shared memory: twice the costs along the path, between
// walls.
__global__ void follow_paths(gpu::StereoVolume volume, int direction, bool start) {
  extern __shared__ std::uint8_t costs[];
  __shared__ std::int32_t least[3];  // of this pixel, of the next one, and of the one before, which is still read
  const std::int32_t num = volume.match.num_disparities;
  std::uint8_t *before = costs, *now = costs + num + 2;
  for (std::int32_t d = threadIdx.x; d < num + 2; d += blockDim.x) {
    const bool wall = d == 0 || d == num + 1;
    before[d] = wall ? 255 : 0;
    now[d] = 255;
  }
  if (threadIdx.x < 3) least[threadIdx.x] = 255;
  __syncthreads();
  const gpu::PathLine line(direction, blockIdx.x, volume.cost.shape[0], volume.cost.shape[1]);
  std::int32_t from = 0;
  for (std::int64_t i = 0; i < line.length; ++i) {
    std::uint8_t* cost = &volume.cost(line.y + i * line.dy, line.x + i * line.dx, 0);
    std::uint8_t* sum = &volume.sum(line.y + i * line.dy, line.x + i * line.dx, 0);
    std::int32_t mine = 255;
    for (std::int32_t d = threadIdx.x; d < num; d += blockDim.x) {
      const std::int32_t step =
          gpu::path_step<std::int32_t>(before[d + 1], before[d], before[d + 2], from, volume.match.p1, volume.match.p2);
      const std::int32_t here = cost[d] + step;
      now[d + 1] = static_cast<std::uint8_t>(here);
      sum[d] = static_cast<std::uint8_t>(start ? step : sum[d] + step);
      mine = gpu::smaller(mine, here);
    }
    mine = warp_least(mine);
    if (threadIdx.x % 32 == 0) atomicMin(&least[i % 3], mine);
    if (threadIdx.x == 0) least[(i + 1) % 3] = 255;
    __syncthreads();
    from = least[i % 3];
    std::uint8_t* swapped = before;
    before = now;
    now = swapped;
  }
}

}  // namespace

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
  const int threads = num >= kMostThreads ? kMostThreads : static_cast<int>((num + 31) / 32 * 32);
  for (int direction = 0; direction < gpu::kNumPaths; ++direction) {
    const auto lines = static_cast<unsigned>(gpu::PathLine::count(direction, height, width));
    follow_paths<<<lines, threads, 2 * (num + 2), stream>>>(volume, direction, direction == 0);
    check(cudaGetLastError(), "follow_paths");
  }
  for_each(pixels, gpu::BestPixel{volume, best.get()}, stream);
  for_each(pixels, gpu::RightPixel{volume, right_index.get()}, stream);
  for_each(pixels, gpu::FinishPixel{match, out, best.get(), right_index.get()}, stream);
}

}  // namespace fastcv::cuda::mvs
