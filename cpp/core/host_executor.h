// SPDX-License-Identifier: Apache-2.0
// Runs block kernels on the CPU, the threads of a block in turns: what a GPU would do, to test it.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "core/executor.h"
#include "core/parallel.h"

namespace fastcv {

class HostExecutor {
 public:
  explicit HostExecutor(int num_threads) : num_threads_(num_threads), scratch_(allocate<double>(generic::kScratch)) {}

  template <class T>
  class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(std::int64_t size) : data_(new T[size]), size_(size) {}
    T* data() const { return data_.get(); }
    std::int64_t size() const { return size_; }

   private:
    std::unique_ptr<T[]> data_;
    std::int64_t size_ = 0;
  };

  template <class T>
  Buffer<T> allocate(std::int64_t size) const {
    return Buffer<T>(size);
  }
  template <class T>
  Buffer<T> upload(const T* from, std::int64_t size) const {
    Buffer<T> buffer(size);
    std::copy_n(from, size, buffer.data());
    return buffer;
  }
  template <class T>
  void download(const T* from, std::int64_t size, T* to) const {
    std::copy_n(from, size, to);
  }
  double* scratch() const { return scratch_.data(); }

  template <class Kernel>
  void launch(std::int64_t blocks, const Kernel& kernel) const {
    static_assert(generic::fits_device<Kernel>);
    if (blocks < 1 || blocks > generic::kMostBlocks) throw std::logic_error("launch: a device would refuse it");
    constexpr std::int64_t kTasks = 64;
    parallel_for(blocks, (blocks + kTasks - 1) / kTasks, num_threads_, [&](std::int64_t begin, std::int64_t end) {
      const int num_phases = kernel.num_phases();
      for (std::int64_t block = begin; block < end; ++block) {
        typename Kernel::Shared shared;
        for (int phase = 0; phase < num_phases; ++phase) {
          for (int thread = 0; thread < Kernel::kThreads; ++thread) kernel.phase(phase, block, thread, shared);
        }
      }
    });
  }

 private:
  const int num_threads_;
  Buffer<double> scratch_;
};

}  // namespace fastcv
