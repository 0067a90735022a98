// SPDX-License-Identifier: Apache-2.0
// Hands out cache-line aligned pieces of one block of memory; counts only where there is no block yet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

class Arena {
 public:
  explicit Arena(std::byte* block) : block_(block) {}
  template <class T>
  T* take(std::int64_t count) {
    T* piece = reinterpret_cast<T*>(block_ + used_);
    used_ += (count * std::int64_t(sizeof(T)) + 63) / 64 * 64;
    return piece;
  }
  std::int64_t used() const { return used_; }

 private:
  std::byte* block_;
  std::int64_t used_ = 0;
};

}  // namespace fastcv::FASTCV_ISA
