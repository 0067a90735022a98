// SPDX-License-Identifier: Apache-2.0
// Per-element work with sums over all elements, in an order that depends on neither the device nor the timing.
#pragma once

#include "core/elementwise.hd.h"
#include "core/view.h"
#include "cuda/core/launch.cuh"

namespace fastcv::cuda {

// A fixed grid: it decides which elements a partial sum holds.
inline constexpr int kSumBlocks = 256, kSumThreads = 128;

template <class Op>
__global__ void sum_blocks_kernel(std::int64_t n, Op op, double* partial) {
  double sums[Op::kSums] = {};
  const std::int64_t step = std::int64_t(kSumBlocks) * kSumThreads;
  for (std::int64_t i = blockIdx.x * std::int64_t(kSumThreads) + threadIdx.x; i < n; i += step) {
    gpu::run_one(op, i, sums);
  }
  __shared__ double shared[kSumThreads];
  for (int k = 0; k < Op::kSums; ++k) {
    shared[threadIdx.x] = sums[k];
    __syncthreads();
    for (int half = kSumThreads / 2; half > 0; half /= 2) {
      if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
      __syncthreads();
    }
    if (threadIdx.x == 0) partial[blockIdx.x * Op::kSums + k] = shared[0];
    __syncthreads();
  }
}

template <int kSums>
__global__ void sum_partial_kernel(const double* partial, double* result) {
  double sum = 0;
  for (int block = 0; block < kSumBlocks; ++block) sum += partial[block * kSums + threadIdx.x];
  result[threadIdx.x] = sum;
}

// Runs an operation as core/elementwise.hd.h describes it on elements [0, n) and writes its sums (Op::kSums doubles on
// the device), without waiting for it.
template <class Op>
void for_each_with_sums(std::int64_t n, const Op& op, double* result, cudaStream_t stream) {
  double* partial = nullptr;
  check(cudaMallocAsync(&partial, sizeof(double) * kSumBlocks * Op::kSums, stream), "cudaMallocAsync");
  sum_blocks_kernel<<<kSumBlocks, kSumThreads, 0, stream>>>(n, op, partial);
  sum_partial_kernel<Op::kSums><<<1, Op::kSums, 0, stream>>>(partial, result);
  const cudaError_t launched = cudaGetLastError();
  check(cudaFreeAsync(partial, stream), "cudaFreeAsync");
  check(launched, "for_each_with_sums");
}

}  // namespace fastcv::cuda
