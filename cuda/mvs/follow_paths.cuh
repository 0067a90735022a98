// SPDX-License-Identifier: Apache-2.0
// Paths of semi-global matching, one block a line: its costs stay in shared memory, and threads share the labels.
#pragma once

#include "cuda/core/launch.cuh"
#include "mvs/path_line.hd.h"
#include "mvs/semi_global.hd.h"

namespace fastcv::cuda::mvs {

// The smallest value of a warp, in its first lane.
inline __device__ std::int32_t warp_least(std::int32_t value) {
  for (int offset = 16; offset > 0; offset /= 2) {
    value = gpu::smaller(value, __shfl_down_sync(0xffffffffU, value, offset));
  }
  return value;
}

// Shared memory: twice the costs along the path, between walls.
static __global__ void follow_paths_kernel(View<const std::uint8_t, 3> costs_of, View<std::uint8_t, 3> sums,
                                           std::int32_t p1, std::int32_t p2, int direction, bool start) {
  extern __shared__ std::uint8_t costs[];
  __shared__ std::int32_t least[3];  // of this pixel, of the next one, and of the one before, which is still read
  const auto num = static_cast<std::int32_t>(sums.shape[2]);
  std::uint8_t *before = costs, *now = costs + num + 2;
  for (std::int32_t d = threadIdx.x; d < num + 2; d += blockDim.x) {
    const bool wall = d == 0 || d == num + 1;
    before[d] = wall ? 255 : 0;
    now[d] = 255;
  }
  if (threadIdx.x < 3) least[threadIdx.x] = 255;
  __syncthreads();
  const gpu::PathLine line(direction, blockIdx.x, sums.shape[0], sums.shape[1]);
  std::int32_t from = 0;
  for (std::int64_t i = 0; i < line.length; ++i) {
    const std::uint8_t* cost = &costs_of(line.y + i * line.dy, line.x + i * line.dx, 0);
    std::uint8_t* sum = &sums(line.y + i * line.dy, line.x + i * line.dx, 0);
    std::int32_t mine = 255;
    for (std::int32_t d = threadIdx.x; d < num; d += blockDim.x) {
      const std::int32_t step = gpu::path_step<std::int32_t>(before[d + 1], before[d], before[d + 2], from, p1, p2);
      const std::int32_t here = cost[d] + step;
      now[d + 1] = static_cast<std::uint8_t>(here);
      sum[d] = static_cast<std::uint8_t>(start ? step : gpu::smaller(sum[d] + step, 255));
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

// Adds what the paths of one direction contribute to the sums, up to 255, or starts them. Both (height, width, labels).
inline void follow_paths(View<const std::uint8_t, 3> costs, View<std::uint8_t, 3> sums, std::int32_t p1,
                         std::int32_t p2, int direction, bool start, cudaStream_t stream) {
  constexpr std::int64_t kMostThreads = 256;
  const std::int64_t num = sums.shape[2], whole_warps = (num + 31) / 32 * 32;
  const auto lines = static_cast<unsigned>(gpu::PathLine::count(direction, sums.shape[0], sums.shape[1]));
  const auto threads = static_cast<unsigned>(whole_warps < kMostThreads ? whole_warps : kMostThreads);
  follow_paths_kernel<<<lines, threads, 2 * (num + 2), stream>>>(costs, sums, p1, p2, direction, start);
  check(cudaGetLastError(), "follow_paths");
}

}  // namespace fastcv::cuda::mvs
