// SPDX-License-Identifier: Apache-2.0
// Launching per-element work: one thread an element.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/core/check.h"

namespace fastcv::cuda {

template <class Body>
__global__ void for_each_kernel(std::int64_t n, Body body) {
  const std::int64_t i = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
  if (i < n) body(i);
}

// Runs body(i) for i in [0, n) on the stream, without waiting for it.
template <class Body>
void for_each(std::int64_t n, const Body& body, cudaStream_t stream) {
  if (n == 0) return;
  constexpr int kBlock = 256;
  const std::int64_t blocks = (n + kBlock - 1) / kBlock;
  check(blocks <= 0x7fffffff ? cudaSuccess : cudaErrorInvalidConfiguration, "for_each");
  for_each_kernel<<<static_cast<unsigned>(blocks), kBlock, 0, stream>>>(n, body);
  check(cudaGetLastError(), "for_each");
}

template <class Body>
__global__ void for_each_row_kernel(std::int64_t rows, Body body) {
  const std::int64_t row = blockIdx.x * std::int64_t(blockDim.x) + threadIdx.x;
  if (row < rows) body(static_cast<int>(blockIdx.y), row);
}

// Runs body(k, row) for k in [0, count), at most 65535, and row in [0, rows): threads side by side share k.
template <class Body>
void for_each_row(int count, std::int64_t rows, const Body& body, cudaStream_t stream) {
  if (count == 0 || rows == 0) return;
  constexpr int kBlock = 256;
  const std::int64_t blocks = (rows + kBlock - 1) / kBlock;
  check(blocks <= 0x7fffffff ? cudaSuccess : cudaErrorInvalidConfiguration, "for_each_row");
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(count));
  for_each_row_kernel<<<grid, kBlock, 0, stream>>>(rows, body);
  check(cudaGetLastError(), "for_each_row");
}

}  // namespace fastcv::cuda
