// SPDX-License-Identifier: Apache-2.0
// What the hash grid does with one point reads the same for a vector of them: doubles as scalars of a formula, and
// reads from tables at places that differ.
#pragma once

#include "core/lane_access.hd.h"
#include "core/small_floats.hd.h"

namespace fastcv::FASTCV_ISA {

template <>
struct LanesOf<double> {
  using Int = std::int32_t;
};
FASTCV_HD double smaller(double a, double b) { return a < b ? a : b; }
FASTCV_HD double larger(double a, double b) { return a > b ? a : b; }
FASTCV_HD std::int32_t to_int(double x) { return static_cast<std::int32_t>(x); }

FASTCV_HD std::uint32_t remainder(std::uint32_t x, std::uint32_t divisor) { return x % divisor; }

template <class F>
struct GridLanes {  // of one point
  using Unsigned = std::uint32_t;
  static constexpr int kCount = 1;
  FASTCV_HD static F real(std::int32_t x) { return static_cast<F>(x); }
  FASTCV_HD static F load(const F* from) { return *from; }
  FASTCV_HD static void store(F* to, F value) { *to = value; }
};

template <class F>
struct Pair {
  F first, second;
};

// On a GPU by way of the cache for what no kernel writes, which a pointer in a struct does not say.
template <class T>
FASTCV_HD T read_only(const T* at) {
#ifdef __CUDA_ARCH__
  return __ldg(at);
#else
  return *at;
#endif
}
FASTCV_HD float read_one(const float* base, std::int32_t index) { return read_only(base + index); }
FASTCV_HD double read_one(const double* base, std::int32_t index) { return read_only(base + index); }
FASTCV_HD float read_one(const Half* base, std::int32_t index) { return to_float(Half{read_only(&base[index].bits)}); }

// Values 2 index and 2 index + 1.
template <class T>
FASTCV_HD auto read_pair(const T* base, std::int32_t index) {
  const T* pair = base + 2 * std::int64_t(index);
  return Pair<decltype(read_one(base, 0))>{read_one(pair, 0), read_one(pair, 1)};
}

#ifndef __CUDACC__

template <>
struct GridLanes<Floats> {
  using Unsigned = FASTCV_ISA::Unsigned;
  static constexpr int kCount = kLanes;
  static Floats real(Ints x) { return to_float(x); }
  static Floats load(const float* from) { return FASTCV_ISA::load<Floats>(from); }
  static void store(float* to, Floats value) { FASTCV_ISA::store(to, value); }
};

// A loop, for no processor divides vectors of integers.
FASTCV_HD Unsigned remainder(Unsigned x, std::uint32_t divisor) {
  std::uint32_t lanes[kLanes];
  __builtin_memcpy(lanes, &x, sizeof x);
#pragma GCC unroll 1
  for (int i = 0; i < kLanes; ++i) lanes[i] %= divisor;
  __builtin_memcpy(&x, lanes, sizeof x);
  return x;
}

FASTCV_HD Floats read_one(const float* base, Ints index) { return gather(base, index); }
FASTCV_HD Floats read_one(const Half* base, Ints index) {
  Ints words;
  for (int i = 0; i < kLanes; ++i) words[i] = base[index[i]].bits;
  return float_from_half(words);
}

FASTCV_HD Pair<Floats> read_pair(const float* base, Ints index) {
#if defined(__AVX512F__)
  // Without a source of its own, each gather would wait for what its register held before.
  const auto gather_half = [base](__m256i half) {
    return _mm512_castpd_ps(_mm512_mask_i32gather_pd(_mm512_setzero_pd(), 0xff, half, base, 8));
  };
  const __m512 low = gather_half(_mm512_castsi512_si256((__m512i)index));
  const __m512 high = gather_half(_mm512_extracti64x4_epi64((__m512i)index, 1));
  const Ints even = lane_indices() * 2;
  return {(Floats)_mm512_permutex2var_ps(low, (__m512i)even, high),
          (Floats)_mm512_permutex2var_ps(low, (__m512i)(even + 1), high)};
#else
  Pair<Floats> pair;
  for (int i = 0; i < kLanes; ++i) {
    const float* from = base + 2 * std::int64_t(index[i]);
    pair.first[i] = from[0];
    pair.second[i] = from[1];
  }
  return pair;
#endif
}
FASTCV_HD Pair<Floats> read_pair(const Half* base, Ints index) {
#if defined(__AVX512F__)
  const Ints words = (Ints)_mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, (__m512i)index, base, 4);
#else
  Ints words;
  for (int i = 0; i < kLanes; ++i) {
    std::int32_t word;
    __builtin_memcpy(&word, base + 2 * std::int64_t(index[i]), sizeof word);
    words[i] = word;
  }
#endif
  return {float_from_half(words), float_from_half(words >> 16)};
}

// Values of two vectors in turns, to and from 2 kLanes places.
FASTCV_HD void store_in_turns(float* to, Floats first, Floats second) {
  const Ints half = lane_indices() >> 1, pick = half + (lane_indices() & 1) * kLanes;
  store(to, __builtin_shuffle(first, second, pick));
  store(to + kLanes, __builtin_shuffle(first, second, pick + kLanes / 2));
}
FASTCV_HD void load_in_turns(const float* from, Floats& first, Floats& second) {
  const Floats low = load<Floats>(from), high = load<Floats>(from + kLanes);
  const Ints even = lane_indices() * 2;
  first = __builtin_shuffle(low, high, even);
  second = __builtin_shuffle(low, high, even + 1);
}

#endif  // __CUDACC__

template <class P>
FASTCV_HD void store_in_turns(P* to, P first, P second) {
  to[0] = first;
  to[1] = second;
}
template <class P>
FASTCV_HD void load_in_turns(const P* from, P& first, P& second) {
  first = from[0];
  second = from[1];
}

}  // namespace fastcv::FASTCV_ISA
