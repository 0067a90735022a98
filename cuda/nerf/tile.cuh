// SPDX-License-Identifier: Apache-2.0
// A few neighbouring lanes of a warp that go along one ray together.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/core/check.h"
#include "nerf/render.hd.h"

namespace fastcv::cuda::nerf {

template <int kLanes>  // a power of two, at most 32
struct Tile {
  int lane;
  unsigned mask;

  __device__ Tile() {
    const unsigned in_warp = threadIdx.x % 32;
    lane = static_cast<int>(in_warp % kLanes);
    mask = kLanes == 32 ? 0xffffffffU : ((1U << kLanes % 32) - 1) << (in_warp - lane);
  }
  // The number of the tile in the launch.
  __device__ std::int64_t number() const { return (blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x) / kLanes; }

  template <class T>
  __device__ T of(T x, int from) const {
    return __shfl_sync(mask, x, from, kLanes);
  }
  template <class T>
  __device__ T before(T x) const {
    const T neighbour = __shfl_up_sync(mask, x, 1, kLanes);
    return lane == 0 ? T(0) : neighbour;
  }
  template <class T>
  __device__ T behind(T x) const {
    const T neighbour = __shfl_down_sync(mask, x, 1, kLanes);
    return lane == kLanes - 1 ? T(0) : neighbour;
  }
  // The first lane that says yes; kLanes where none does.
  __device__ int first(bool yes) const {
    const unsigned votes = __ballot_sync(mask, yes) & mask;
    return votes == 0 ? kLanes : (__ffs(static_cast<int>(votes)) - 1) % kLanes;
  }
  template <class T>
  __device__ T sum(T x) const {
    for (int by = kLanes / 2; by > 0; by /= 2) x += __shfl_xor_sync(mask, x, by, kLanes);
    return x;
  }
  // The opacity of all lanes up to each.
  template <class T>
  __device__ T layers(T x) const {
    for (int by = 1; by < kLanes; by *= 2) {
      const T front = __shfl_up_sync(mask, x, by, kLanes);
      if (lane >= by) x = gpu::over(front, x);
    }
    return x;
  }
  // The sum of each lane and all behind it.
  template <class T>
  __device__ T sums_behind(T x) const {
    for (int by = 1; by < kLanes; by *= 2) {
      const T next = __shfl_down_sync(mask, x, by, kLanes);
      if (lane + by < kLanes) x += next;
    }
    return x;
  }
};

}  // namespace fastcv::cuda::nerf
