// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10, a counter-based random generator: the n-th number depends on the seed and n alone, so results do not
// depend on threads or devices. Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

// Four words, or four vectors of words: the generators of as many counters at once.
template <class Word>
struct PhiloxOf {
  Word v[4];
};
using Philox4 = PhiloxOf<std::uint32_t>;

// The 64 bits of a product. Other kinds of words specialise it.
template <class Word>
struct WideProduct {
  Word high, low;
  FASTCV_HD WideProduct(Word a, std::uint32_t b) {
    const std::uint64_t product = std::uint64_t(b) * a;
    high = static_cast<Word>(product >> 32);
    low = static_cast<Word>(product);
  }
};

template <class Word>
FASTCV_HD PhiloxOf<Word> philox_rounds(PhiloxOf<Word> counter, std::uint32_t key0, std::uint32_t key1) {
  Word(&c)[4] = counter.v;
  for (int round = 0; round < 10; ++round) {
    const WideProduct<Word> product0(c[0], 0xD2511F53U), product1(c[2], 0xCD9E8D57U);
    counter = {{product1.high ^ c[1] ^ key0, product1.low, product0.high ^ c[3] ^ key1, product0.low}};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

FASTCV_HD Philox4 philox4x32(Philox4 counter, std::uint32_t key0, std::uint32_t key1) {
  return philox_rounds(counter, key0, key1);
}

// Block `index` of stream `stream` of a seed.
FASTCV_HD Philox4 philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const Philox4 counter{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                         static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}};
  return philox4x32(counter, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
}

}  // namespace fastcv::FASTCV_ISA
