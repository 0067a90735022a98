// SPDX-License-Identifier: Apache-2.0
// Runs block kernels on a GPU: an executor (core/executor.h) with a stream of its own.
#pragma once

#include <cuda_runtime.h>

#include <new>
#include <string>
#include <utility>

#include "core/executor.h"
#include "cuda/core/check.h"

namespace fastcv::cuda {

// Nothing was allocated, and nothing that was is lost.
class OutOfMemory : public std::bad_alloc {
 public:
  OutOfMemory(int device, std::size_t wanted) {
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    message_ = "device: expected " + std::to_string(wanted) + " bytes of memory on cuda:" + std::to_string(device) +
               ", got " + std::to_string(free) + " free of " + std::to_string(total);
  }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

template <class Kernel>
__global__ __launch_bounds__(Kernel::kThreads) void block_kernel(Kernel kernel) {
  __shared__ typename Kernel::Shared shared;
  const int num_phases = kernel.num_phases();
  for (int phase = 0; phase < num_phases; ++phase) {
    if (phase > 0) __syncthreads();
    kernel.phase(phase, blockIdx.x, threadIdx.x, shared);
  }
}

class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class Executor {
 public:
  explicit Executor(int device) : device_(device), guard_(device), scratch_(allocate<double>(gpu::kScratch)) {}
  // The pool gives freed memory back to other users of the device when somebody waits, and not before.
  ~Executor() { cudaStreamSynchronize(stream_); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  template <class T>
  class Buffer {
   public:
    Buffer() = default;
    Buffer(T* data, cudaStream_t stream) : data_(data), stream_(stream) {}
    Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), stream_(other.stream_) {}
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(data_, other.data_);
      std::swap(stream_, other.stream_);
      return *this;
    }
    ~Buffer() {
      if (data_) cudaFreeAsync(data_, stream_);
    }
    T* data() const { return data_; }

   private:
    T* data_ = nullptr;
    cudaStream_t stream_ = nullptr;
  };

  template <class T>
  Buffer<T> allocate(std::int64_t size) const {
    if (size == 0) return {};
    const std::size_t bytes = sizeof(T) * static_cast<std::size_t>(size);
    void* data = nullptr;
    const cudaError_t error = cudaMallocAsync(&data, bytes, stream_);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // this call's alone, not the next one's too
      throw OutOfMemory(device_, bytes);
    }
    check(error, "cudaMallocAsync");
    return {static_cast<T*>(data), stream_};
  }
  template <class T>
  Buffer<T> upload(const T* from, std::int64_t size) const {
    Buffer<T> buffer = allocate<T>(size);
    copy(buffer.data(), from, size, cudaMemcpyHostToDevice);
    return buffer;
  }
  template <class T>
  void download(const T* from, std::int64_t size, T* to) const {
    copy(to, from, size, cudaMemcpyDeviceToHost);
  }
  double* scratch() const { return scratch_.data(); }

  template <class Kernel>
  void launch(std::int64_t blocks, const Kernel& kernel) const {
    static_assert(gpu::fits_device<Kernel>);
    check(blocks <= gpu::kMostBlocks ? cudaSuccess : cudaErrorInvalidConfiguration, "launch");
    block_kernel<<<static_cast<unsigned>(blocks), Kernel::kThreads, 0, stream_>>>(kernel);
    check(cudaGetLastError(), "launch");
  }

 private:
  // Waits, so that the host's side may go or be read.
  template <class T>
  void copy(T* to, const T* from, std::int64_t size, cudaMemcpyKind kind) const {
    if (size == 0) return;
    check(cudaMemcpyAsync(to, from, sizeof(T) * static_cast<std::size_t>(size), kind, stream_), "cudaMemcpyAsync");
    check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  }

  const int device_;
  const DeviceGuard guard_;
  const Stream stream_;
  const Buffer<double> scratch_;
};

}  // namespace fastcv::cuda
