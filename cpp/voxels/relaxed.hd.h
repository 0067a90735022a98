// SPDX-License-Identifier: Apache-2.0
// Bytes that threads read while others write: all write the same value, so that the result has no order.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

#ifdef __CUDA_ARCH__
FASTCV_HD std::uint8_t load_relaxed(const std::uint8_t* byte) {
  return *static_cast<const volatile std::uint8_t*>(byte);
}
FASTCV_HD void store_relaxed(std::uint8_t* byte, std::uint8_t value) {
  *static_cast<volatile std::uint8_t*>(byte) = value;
}
#else
FASTCV_HD std::uint8_t load_relaxed(const std::uint8_t* byte) { return __atomic_load_n(byte, __ATOMIC_RELAXED); }
FASTCV_HD void store_relaxed(std::uint8_t* byte, std::uint8_t value) {
  __atomic_store_n(byte, value, __ATOMIC_RELAXED);
}
#endif

}  // namespace fastcv::FASTCV_ISA
