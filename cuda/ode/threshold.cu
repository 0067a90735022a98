// SPDX-License-Identifier: Apache-2.0
// Dynamic thresholding on a GPU: a block for each sample selects by the bits of absolute values, eight at a time.
#include "cuda/ode/threshold.h"

#include "cuda/core/launch.cuh"
#include "ode/element.hd.h"

namespace fastcv::cuda::ode {
namespace {

using fastcv::ode::Threshold;
using Key = unsigned long long;

constexpr int kThreads = 256, kBins = 256;

// Not-negative doubles order as their bits do; NaN comes last.
__device__ Key key_of(const Threshold& work, std::int64_t i) {
  return __builtin_bit_cast(Key, fabs(gpu::element(work.input, work.type, i)));
}

// The key of this rank among a sample's elements. All threads of the block call it.
__device__ Key select(const Threshold& work, std::int64_t begin, std::int64_t rank, int* bins) {
  __shared__ Key prefix;
  __shared__ std::int64_t left;
  if (threadIdx.x == 0) {
    prefix = 0;
    left = rank;
  }
  for (int shift = 56; shift >= 0; shift -= 8) {
    bins[threadIdx.x] = 0;
    __syncthreads();
    const Key above = shift == 56 ? 0 : ~Key(0) << (shift + 8);
    for (std::int64_t i = threadIdx.x; i < work.size; i += kThreads) {
      const Key key = key_of(work, begin + i);
      if ((key & above) == prefix) atomicAdd(&bins[key >> shift & 255], 1);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int bin = 0;
      while (left >= bins[bin]) left -= bins[bin++];
      prefix |= Key(bin) << shift;
    }
    __syncthreads();
  }
  const Key found = prefix;
  __syncthreads();
  return found;
}

__global__ __launch_bounds__(kThreads) void threshold_kernel(Threshold work) {
  __shared__ int bins[kBins];
  const std::int64_t begin = blockIdx.x * work.size;
  double threshold = 1;
  if (work.size > 0) {
    const double position = work.ratio * static_cast<double>(work.size - 1);
    const auto rank = static_cast<std::int64_t>(position);
    const double fraction = position - static_cast<double>(rank);
    const double lower = __builtin_bit_cast(double, select(work, begin, rank, bins));
    const std::int64_t next = rank + 1 < work.size ? rank + 1 : rank;
    const double upper = __builtin_bit_cast(double, select(work, begin, next, bins));
    const double largest = __builtin_bit_cast(double, select(work, begin, work.size - 1, bins));
    const double quantile = fraction == 0 ? lower : lower + fraction * (upper - lower);
    threshold = quantile < 1 ? 1 : quantile > work.maximum ? work.maximum : quantile;
    if (largest != largest) threshold = largest;
  }
  if (threadIdx.x == 0) work.thresholds[blockIdx.x] = threshold;
  for (std::int64_t i = threadIdx.x; i < work.size; i += kThreads) {
    const double x = gpu::element(work.input, work.type, begin + i);
    gpu::set_element(work.output, work.type, begin + i, gpu::thresholded(x, threshold));
  }
}

}  // namespace

void dynamic_threshold(const Threshold& work, cudaStream_t stream) {
  if (work.samples == 0) return;
  check(work.samples <= 0x7fffffff ? cudaSuccess : cudaErrorInvalidConfiguration, "dynamic_threshold");
  threshold_kernel<<<static_cast<unsigned>(work.samples), kThreads, 0, stream>>>(work);
  check(cudaGetLastError(), "dynamic_threshold");
}

}  // namespace fastcv::cuda::ode
