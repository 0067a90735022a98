// SPDX-License-Identifier: Apache-2.0
// Philox for a vector of counters at once: the same words as one by one.
#pragma once

#include "core/lanes.hd.h"
#include "core/philox.hd.h"

#ifndef __CUDACC__
namespace fastcv::FASTCV_ISA {

// Processors multiply words into 64 bits where every second word is idle, so words sit in the low halves of 64 bits;
// what the high halves hold does not matter.
typedef std::uint64_t SparseWords __attribute__((vector_size(4 * kLanes)));

template <>
struct WideProduct<SparseWords> {
  SparseWords high, low;
  FASTCV_HD WideProduct(SparseWords a, std::uint32_t b) {
#if defined(__AVX512F__)
    low = (SparseWords)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
    low = (SparseWords)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE4_1__)
    low = (SparseWords)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
    low = (a & 0xffffffffU) * std::uint64_t(b);
#endif
    high = low >> 32;
  }
};

FASTCV_HD PhiloxOf<Unsigned> philox4x32(PhiloxOf<Unsigned> counter, std::uint32_t key0, std::uint32_t key1) {
  PhiloxOf<SparseWords> even, odd;
  for (int w = 0; w < 4; ++w) {
    even.v[w] = (SparseWords)counter.v[w];
    odd.v[w] = (SparseWords)counter.v[w] >> 32;
  }
  even = philox_rounds(even, key0, key1);
  odd = philox_rounds(odd, key0, key1);
  for (int w = 0; w < 4; ++w) counter.v[w] = (Unsigned)((even.v[w] & 0xffffffffU) | (odd.v[w] << 32));
  return counter;
}

}  // namespace fastcv::FASTCV_ISA
#endif  // __CUDACC__
