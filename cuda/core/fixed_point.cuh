// SPDX-License-Identifier: Apache-2.0
// Sums over threads in no order that are the same in any: of integers. Floats become such by a power of two.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/core/check.h"

namespace fastcv::cuda {

// Device memory of a stream, zeroed, freed when the stream has passed the end of scope.
template <class T>
class Zeros {
 public:
  Zeros(std::int64_t count, cudaStream_t stream) : stream_(stream) {
    check(cudaMallocAsync(&data_, count * sizeof(T), stream), "cudaMallocAsync");
    check(cudaMemsetAsync(data_, 0, count * sizeof(T), stream), "cudaMemsetAsync");
  }
  ~Zeros() { cudaFreeAsync(data_, stream_); }
  Zeros(const Zeros&) = delete;
  Zeros& operator=(const Zeros&) = delete;
  T* get() const { return data_; }

 private:
  T* data_ = nullptr;
  cudaStream_t stream_;
};

__device__ inline float magnitude(float value) { return fabsf(value); }
__device__ inline float magnitude(double value) { return __double2float_ru(fabs(value)); }

// Magnitudes as bits order like magnitudes, NaN above all.
template <class T>
__global__ void max_magnitude_kernel(const T* values, std::int64_t n, unsigned* result) {
  unsigned largest = 0;
  for (std::int64_t i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x; i < n;
       i += std::int64_t(gridDim.x) * blockDim.x) {
    largest = max(largest, __float_as_uint(magnitude(values[i])));
  }
  for (int lane = 16; lane > 0; lane /= 2) largest = max(largest, __shfl_xor_sync(0xffffffffU, largest, lane));
  if (threadIdx.x % 32 == 0) atomicMax(result, largest);
}

// Raises *result to the bits of the largest magnitude, rounded up to a float.
template <class T>
void max_magnitude(const T* values, std::int64_t n, unsigned* result, cudaStream_t stream) {
  if (n == 0) return;
  constexpr int kThreads = 256;
  constexpr std::int64_t kMaxBlocks = 1024;
  const std::int64_t blocks = (n + kThreads - 1) / kThreads;
  max_magnitude_kernel<<<static_cast<unsigned>(blocks < kMaxBlocks ? blocks : kMaxBlocks), kThreads, 0, stream>>>(
      values, n, result);
  check(cudaGetLastError(), "max_magnitude");
}

// The power of two by which numbers become integers whose sum, at most `bound`, does not overflow; NaN where the bound
// is not finite.
__device__ inline double fixed_unit(double bound) {
  return !isfinite(bound) ? nan("") : bound > 0 ? exp2(61.0 - ilogb(bound)) : 1.0;
}
__device__ inline unsigned long long to_fixed(double value, double unit) {
  return static_cast<unsigned long long>(__double2ll_rn(value * unit));
}
__device__ inline double from_fixed(unsigned long long sum, double unit) {
  return static_cast<double>(static_cast<long long>(sum)) / unit;
}

}  // namespace fastcv::cuda
