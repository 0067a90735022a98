// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10, a counter-based random generator: the n-th number depends on the seed and n alone, so results do not
// depend on threads or devices. Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

struct Philox4 {
  std::uint32_t v[4];
};

FASTCV_HD Philox4 philox4x32(Philox4 counter, std::uint32_t key0, std::uint32_t key1) {
  std::uint32_t(&c)[4] = counter.v;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t(0xD2511F53U) * c[0];
    const std::uint64_t product1 = std::uint64_t(0xCD9E8D57U) * c[2];
    const Philox4 next{{static_cast<std::uint32_t>(product1 >> 32) ^ c[1] ^ key0, static_cast<std::uint32_t>(product1),
                        static_cast<std::uint32_t>(product0 >> 32) ^ c[3] ^ key1,
                        static_cast<std::uint32_t>(product0)}};
    counter = next;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

// Block `index` of stream `stream` of a seed.
FASTCV_HD Philox4 philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const Philox4 counter{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                         static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}};
  return philox4x32(counter, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
}

}  // namespace fastcv::FASTCV_ISA
