// SPDX-License-Identifier: Apache-2.0
// Adam on a GPU, one thread a parameter, or a row where some may be untouched. The step is counted there, so that a
// graph may hold it.
#include "cuda/nerf/adam.h"

#include "cuda/core/launch.cuh"
#include "nerf/adam.hd.h"

namespace fastcv::cuda::nerf {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMostBlocks = 2048;  // each finds the rates, which takes a power

unsigned blocks_for(std::int64_t n) {
  const std::int64_t blocks = (n + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

struct Count {
  AdamStep adam;
  __device__ void operator()(std::int64_t) const { gpu::count_step(adam); }
};

template <bool kRows>
__global__ __launch_bounds__(kThreads) void adam_kernel(gpu::AdamElement one, std::int64_t n) {
  __shared__ gpu::AdamRates rates;
  if (threadIdx.x == 0) rates = gpu::rates_of(one.adam);
  __syncthreads();
  const std::int64_t step = std::int64_t(gridDim.x) * kThreads, width = one.adam.width;
  for (std::int64_t i = blockIdx.x * std::int64_t(kThreads) + threadIdx.x; i < n; i += step) {
    if constexpr (kRows) {
      one.row(rates, i * width, (i + 1) * width);
    } else {
      one.dense(rates, i);
    }
  }
}

__global__ __launch_bounds__(kThreads) void mark_nonfinite_kernel(const void* values, Storage type, std::int64_t n,
                                                                  float* found) {
  const std::int64_t step = std::int64_t(gridDim.x) * kThreads;
  for (std::int64_t i = blockIdx.x * std::int64_t(kThreads) + threadIdx.x; i < n; i += step) {
    if (!isfinite(gpu::read_as_float(values, type, i))) *found = 1.0F;  // whoever writes, it is the same
  }
}

}  // namespace

void adam_step(const AdamStep& adam, cudaStream_t stream) {
  for_each(1, Count{adam}, stream);
  const std::int64_t n = adam.skip_untouched ? adam.rows : adam.rows * adam.width;
  if (n == 0) return;
  if (adam.skip_untouched) {
    adam_kernel<true><<<blocks_for(n), kThreads, 0, stream>>>({adam}, n);
  } else {
    adam_kernel<false><<<blocks_for(n), kThreads, 0, stream>>>({adam}, n);
  }
  check(cudaGetLastError(), "adam_step");
}

void mark_nonfinite(const void* values, Storage type, std::int64_t count, float* found, cudaStream_t stream) {
  if (count == 0) return;
  mark_nonfinite_kernel<<<blocks_for(count), kThreads, 0, stream>>>(values, type, count, found);
  check(cudaGetLastError(), "mark_nonfinite");
}

}  // namespace fastcv::cuda::nerf
