// SPDX-License-Identifier: Apache-2.0
// Device memory that lives until the stream has passed its end of scope.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/core/check.h"

namespace fastcv::cuda::mvs {

template <class T>
class StreamBuffer {
 public:
  StreamBuffer(std::int64_t size, cudaStream_t stream) : stream_(stream) {
    check(cudaMallocAsync(&data_, size * sizeof(T), stream), "cudaMallocAsync");
  }
  ~StreamBuffer() { cudaFreeAsync(data_, stream_); }
  StreamBuffer(const StreamBuffer&) = delete;
  StreamBuffer& operator=(const StreamBuffer&) = delete;
  T* get() const { return data_; }

 private:
  T* data_ = nullptr;
  cudaStream_t stream_;
};

}  // namespace fastcv::cuda::mvs
