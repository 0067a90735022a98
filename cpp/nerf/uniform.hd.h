// SPDX-License-Identifier: Apache-2.0
// Numbers in [0, 1) that depend on a seed, what they are for, and two counters alone.
#pragma once

#include "core/philox.hd.h"

namespace fastcv::FASTCV_ISA {

// Streams of numbers that have nothing to do with each other.
enum class Purpose : std::uint64_t { cells = 1, rays, bins, quantiles };

FASTCV_HD Philox4 random_words(std::uint64_t seed, Purpose purpose, std::int64_t stream, std::int64_t index) {
  const std::uint64_t high = static_cast<std::uint64_t>(purpose) << 56;
  return philox(seed, high | static_cast<std::uint64_t>(stream), static_cast<std::uint64_t>(index));
}

// A multiple of 2^-24.
FASTCV_HD float uniform(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24F; }

}  // namespace fastcv::FASTCV_ISA
