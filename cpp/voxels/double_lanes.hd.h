// SPDX-License-Identifier: Apache-2.0
// Arithmetic that reads the same for one double and for as many as a register holds: each lane comes to the same bits.
#pragma once

#include <cstdint>

#include "core/host_device.h"
#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

template <class D>
struct DoubleLanes;
template <>
struct DoubleLanes<double> {
  using Int = std::int32_t;
  using Int64 = std::int64_t;
  static constexpr int kCount = 1;
};
template <class D>
using Int32Of = typename DoubleLanes<D>::Int;
template <class D>
using Int64Of = typename DoubleLanes<D>::Int64;

// In lane i: (first + i) % columns, and (first + i) / columns.
FASTCV_HD double lane_columns(double, int first, int columns) { return first % columns; }
FASTCV_HD double lane_rows(double, int first, int columns) { return first / columns; }
// x where the mask is set, else 0. Truncated towards zero; x must fit.
FASTCV_HD std::int32_t truncated_if(bool mask, double x) { return static_cast<std::int32_t>(mask ? x : 0.0); }
FASTCV_HD std::int32_t truncated(double x) { return static_cast<std::int32_t>(x); }
FASTCV_HD double to_double(std::int32_t x) { return x; }
FASTCV_HD std::int32_t keep_if(bool mask, std::int32_t x) { return mask ? x : 0; }
FASTCV_HD double keep_if(bool mask, double x) { return mask ? x : 0.0; }
FASTCV_HD double choose(bool mask, double yes, double no) { return mask ? yes : no; }
FASTCV_HD double smaller(double a, double b) { return a < b ? a : b; }
FASTCV_HD double larger(double a, double b) { return a > b ? a : b; }
FASTCV_HD std::int64_t bits_of(double x) { return __builtin_bit_cast(std::int64_t, x); }
FASTCV_HD double from_bits(std::int64_t bits) { return __builtin_bit_cast(double, bits); }
// Of size at most limit.
FASTCV_HD std::int64_t clamped(std::int64_t x, std::int64_t limit) {
  return x < -limit ? -limit : x > limit ? limit : x;
}
FASTCV_HD std::int32_t shifted_right(std::int32_t x, std::int32_t by) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) >> by);
}
FASTCV_HD double gather(const float* base, std::int32_t index) { return base[index]; }
FASTCV_HD double gather(const double* base, std::int32_t index) { return base[index]; }
// 1 where a is at most b, else 0.
FASTCV_HD std::int32_t at_most(std::int32_t a, std::int32_t b) { return a <= b; }
// Bit i: whether lane i is not 0.
FASTCV_HD std::uint32_t bits_set(std::int32_t x) { return x != 0; }

#ifndef __CUDACC__

#if defined(__AVX512F__)
constexpr int kDoubles = 8;
#elif defined(__AVX2__)
constexpr int kDoubles = 4;
#else
constexpr int kDoubles = 2;
#endif

typedef double Doubles __attribute__((vector_size(8 * kDoubles)));
typedef std::int64_t DoublesMask __attribute__((vector_size(8 * kDoubles)));
typedef std::int32_t DoublesInt __attribute__((vector_size(4 * kDoubles)));

template <>
struct DoubleLanes<Doubles> {
  using Int = DoublesInt;
  using Int64 = DoublesMask;
  static constexpr int kCount = kDoubles;
};

FASTCV_HD Doubles lane_columns(Doubles, int first, int columns) {
  Doubles v;
  for (int i = 0; i < kDoubles; ++i) v[i] = (first + i) % columns;
  return v;
}
FASTCV_HD Doubles lane_rows(Doubles, int first, int columns) {
  Doubles v;
  for (int i = 0; i < kDoubles; ++i) v[i] = (first + i) / columns;
  return v;
}
FASTCV_HD DoublesInt truncated_if(DoublesMask mask, Doubles x) {
  return __builtin_convertvector(mask ? x : Doubles{}, DoublesInt);
}
FASTCV_HD DoublesInt truncated(Doubles x) { return __builtin_convertvector(x, DoublesInt); }
FASTCV_HD Doubles to_double(DoublesInt x) { return __builtin_convertvector(x, Doubles); }
FASTCV_HD Doubles keep_if(DoublesMask mask, Doubles x) { return mask ? x : Doubles{}; }
FASTCV_HD Doubles choose(DoublesMask mask, Doubles yes, Doubles no) { return mask ? yes : no; }
FASTCV_HD Doubles smaller(Doubles a, Doubles b) { return a < b ? a : b; }
FASTCV_HD Doubles larger(Doubles a, Doubles b) { return a > b ? a : b; }
FASTCV_HD DoublesMask bits_of(Doubles x) { return (DoublesMask)x; }
FASTCV_HD Doubles from_bits(DoublesMask bits) { return (Doubles)bits; }
FASTCV_HD DoublesMask clamped(DoublesMask x, std::int64_t limit) {
  return x < -limit ? DoublesMask{} - limit : x > limit ? DoublesMask{} + limit : x;
}
FASTCV_HD DoublesInt keep_if(DoublesMask mask, DoublesInt x) { return x & __builtin_convertvector(mask, DoublesInt); }
FASTCV_HD DoublesInt gather(const std::int32_t* base, DoublesInt index) {
#if defined(__AVX512F__)
  return (DoublesInt)_mm256_i32gather_epi32(base, (__m256i)index, 4);
#elif defined(__AVX2__)
  return (DoublesInt)_mm_i32gather_epi32(base, (__m128i)index, 4);
#else
  DoublesInt v;
  for (int i = 0; i < kDoubles; ++i) v[i] = base[index[i]];
  return v;
#endif
}
FASTCV_HD Doubles gather(const float* base, DoublesInt index) {
#if defined(__AVX512F__)
  return (Doubles)_mm512_cvtps_pd(_mm256_i32gather_ps(base, (__m256i)index, 4));
#elif defined(__AVX2__)
  return (Doubles)_mm256_cvtps_pd(_mm_i32gather_ps(base, (__m128i)index, 4));
#else
  Doubles v;
  for (int i = 0; i < kDoubles; ++i) v[i] = base[index[i]];
  return v;
#endif
}
FASTCV_HD Doubles gather(const double* base, DoublesInt index) {
  Doubles v;
  for (int i = 0; i < kDoubles; ++i) v[i] = base[index[i]];
  return v;
}
FASTCV_HD DoublesInt shifted_right(DoublesInt x, DoublesInt by) {
  typedef std::uint32_t Bits __attribute__((vector_size(4 * kDoubles)));
  return (DoublesInt)((Bits)x >> (Bits)by);
}
FASTCV_HD DoublesInt at_most(DoublesInt a, std::int32_t b) { return -(a <= b); }
FASTCV_HD std::uint32_t bits_set(DoublesInt x) {
#if defined(__AVX512F__)
  return static_cast<std::uint32_t>(_mm256_movemask_ps((__m256)(x != 0)));
#elif defined(__AVX2__)
  return static_cast<std::uint32_t>(_mm_movemask_ps((__m128)(x != 0)));
#else
  return std::uint32_t(x[0] != 0) | std::uint32_t(x[1] != 0) << 1;
#endif
}

#endif  // __CUDACC__

// A positive normal number as mantissa_of, in [1, 2), times power_of_two(exponent_of).
template <class D>
FASTCV_HD Int64Of<D> exponent_of(D x) {
  return (bits_of(x) >> 52) - 1023;
}
template <class D>
FASTCV_HD D mantissa_of(D x) {
  return from_bits((bits_of(x) & ((std::int64_t(1) << 52) - 1)) | std::int64_t(1023) << 52);
}
template <class D>
FASTCV_HD D power_of_two(D, Int64Of<D> exponent) {
  return from_bits((exponent + 1023) << 52);
}

}  // namespace fastcv::FASTCV_ISA
