// SPDX-License-Identifier: Apache-2.0
// Blocks of scratch memory that tasks hand on to one another: fresh pages from the system cost as much as a task's
// work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

namespace fastcv::mvs {

class ScratchPool {
 public:
  explicit ScratchPool(std::int64_t bytes) : bytes_(bytes) {}
  ~ScratchPool() {
    for (std::byte* block : free_) ::operator delete(block, kAlignment);
  }
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  class Block {
   public:
    explicit Block(ScratchPool& pool) : pool_(pool), data_(pool.take()) {}
    ~Block() { pool_.give_back(data_); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    std::byte* get() const { return data_; }

   private:
    ScratchPool& pool_;
    std::byte* data_;
  };

 private:
  static constexpr std::align_val_t kAlignment{64};

  std::byte* take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      free_.reserve(++num_blocks_);  // giving back must not throw
      return static_cast<std::byte*>(::operator new(bytes_, kAlignment));
    }
    std::byte* block = free_.back();
    free_.pop_back();
    return block;
  }
  void give_back(std::byte* block) {
    const std::lock_guard lock(mutex_);
    free_.push_back(block);
  }

  const std::int64_t bytes_;
  std::mutex mutex_;
  std::vector<std::byte*> free_;
  std::size_t num_blocks_ = 0;
};

}  // namespace fastcv::mvs
