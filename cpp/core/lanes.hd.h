// SPDX-License-Identifier: Apache-2.0
// Arithmetic that reads the same for one value and for a vector of them, so that one formula serves every instruction
// set and the GPU. A formula is a template over its float type F; integers are IntOf<F>, comparisons give a mask.
#pragma once

#include <cstdint>

#include "core/host_device.h"

#if !defined(__CUDACC__) && defined(__SSE4_1__)
// GCC 12 takes the deliberately undefined operands inside its own intrinsics for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace fastcv::FASTCV_ISA {

template <class F>
struct LanesOf;
template <>
struct LanesOf<float> {
  using Int = std::int32_t;
};
template <class F>
using IntOf = typename LanesOf<F>::Int;
template <class F>
using MaskOf = decltype(F() < F());  // of & and |, a scalar int is one too

FASTCV_HD float select(bool mask, float yes, float no) { return mask ? yes : no; }
FASTCV_HD double select(bool mask, double yes, double no) { return mask ? yes : no; }
FASTCV_HD std::int32_t select(bool mask, std::int32_t yes, std::int32_t no) { return mask ? yes : no; }
// Towards zero. What does not fit becomes a number that does not lie in [0, 2^31 - 2^7): which one depends on the
// machine.
FASTCV_HD std::int32_t to_int(float x) { return static_cast<std::int32_t>(x); }
// a - b where a may be such a number.
FASTCV_HD std::int32_t wrapping_difference(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
}
FASTCV_HD std::int32_t wrapping_sum(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
FASTCV_HD float to_float(std::int32_t x) { return static_cast<float>(x); }
FASTCV_HD std::int32_t bits_of(float x) { return __builtin_bit_cast(std::int32_t, x); }
FASTCV_HD float from_bits(std::int32_t bits) { return __builtin_bit_cast(float, bits); }
FASTCV_HD float smaller(float a, float b) { return a < b ? a : b; }
FASTCV_HD float larger(float a, float b) { return a > b ? a : b; }
FASTCV_HD std::int32_t smaller(std::int32_t a, std::int32_t b) { return a < b ? a : b; }
FASTCV_HD std::int32_t larger(std::int32_t a, std::int32_t b) { return a > b ? a : b; }
FASTCV_HD bool at_most_unsigned(std::int32_t x, std::int32_t limit) {
  return static_cast<std::uint32_t>(x) <= static_cast<std::uint32_t>(limit);
}
template <int Stride = 1>
FASTCV_HD std::int32_t gather(const std::int32_t* base, std::int32_t index) {
  return base[Stride * std::int64_t(index)];
}
// Whether no byte is -128: a byte's low seven bits plus 127 carry into its top bit unless they are all 0.
FASTCV_HD bool has_no_lowest_byte(std::int32_t quad) {
  const auto bits = static_cast<std::uint32_t>(quad);
  return ((((bits & 0x7f7f7f7fU) + 0x7f7f7f7fU) | ~bits) & 0x80808080U) == 0x80808080U;
}
// Product of the signed low halves plus product of the signed high halves.
FASTCV_HD std::int32_t dot_halves(std::int32_t a, std::int32_t b) {
  return static_cast<std::int16_t>(a) * static_cast<std::int16_t>(b) + (a >> 16) * (b >> 16);
}
// Bilinear value of four signed bytes (left, left below, right, right below), 2^14 a unit; weights are bytes 128 - fy,
// fy and fx in 128ths.
FASTCV_HD std::int32_t bilinear_bytes(std::int32_t quad, std::int32_t weights) {
  const auto byte = [quad](int k) { return static_cast<std::int32_t>(static_cast<std::int8_t>(quad >> (8 * k))); };
  const std::int32_t fx = weights >> 16 & 127, fy = weights >> 8 & 255;
  const std::int32_t left = byte(0) * (128 - fy) + byte(1) * fy, right = byte(2) * (128 - fy) + byte(3) * fy;
  return left * (128 - fx) + right * fx;
}

#ifndef __CUDACC__

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef std::int32_t Ints __attribute__((vector_size(4 * kLanes)));
typedef std::uint32_t Unsigned __attribute__((vector_size(4 * kLanes)));

template <>
struct LanesOf<Floats> {
  using Int = Ints;
};

FASTCV_HD Floats select(Ints mask, Floats yes, Floats no) { return mask ? yes : no; }
FASTCV_HD Ints select(Ints mask, Ints yes, Ints no) { return mask ? yes : no; }
FASTCV_HD Ints to_int(Floats x) { return __builtin_convertvector(x, Ints); }
FASTCV_HD Ints wrapping_difference(Ints a, std::int32_t b) {
  return (Ints)((Unsigned)a - static_cast<std::uint32_t>(b));
}
FASTCV_HD Ints wrapping_sum(Ints a, Ints b) { return (Ints)((Unsigned)a + (Unsigned)b); }
FASTCV_HD Floats to_float(Ints x) { return __builtin_convertvector(x, Floats); }
FASTCV_HD Ints bits_of(Floats x) { return (Ints)x; }
FASTCV_HD Floats from_bits(Ints bits) { return (Floats)bits; }

template <class V, class T>
FASTCV_HD V load(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class V, class T>
FASTCV_HD void store(T* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}
FASTCV_HD Floats splat(float x) { return x - Floats{}; }  // not a sum: that of 0 and -0 is 0, so it would be computed
FASTCV_HD Ints splat(std::int32_t x) { return Ints{} + x; }

// GCC 12 makes a comparison and a blend of `a < b ? a : b`, hence the instructions by name.
#if defined(__AVX512F__)
#define FASTCV_LANES_OP(op, suffix) _mm512_##op##_##suffix
#define FASTCV_LANES_INT __m512i
#define FASTCV_LANES_FLOAT __m512
#elif defined(__AVX2__)
#define FASTCV_LANES_OP(op, suffix) _mm256_##op##_##suffix
#define FASTCV_LANES_INT __m256i
#define FASTCV_LANES_FLOAT __m256
#elif defined(__SSE4_1__)
#define FASTCV_LANES_OP(op, suffix) _mm_##op##_##suffix
#define FASTCV_LANES_INT __m128i
#define FASTCV_LANES_FLOAT __m128
#endif
#if defined(FASTCV_LANES_OP)
FASTCV_HD Floats smaller(Floats a, Floats b) {
  return (Floats)FASTCV_LANES_OP(min, ps)((FASTCV_LANES_FLOAT)a, (FASTCV_LANES_FLOAT)b);
}
FASTCV_HD Floats larger(Floats a, Floats b) {
  return (Floats)FASTCV_LANES_OP(max, ps)((FASTCV_LANES_FLOAT)a, (FASTCV_LANES_FLOAT)b);
}
FASTCV_HD Ints smaller(Ints a, Ints b) {
  return (Ints)FASTCV_LANES_OP(min, epi32)((FASTCV_LANES_INT)a, (FASTCV_LANES_INT)b);
}
FASTCV_HD Ints larger(Ints a, Ints b) {
  return (Ints)FASTCV_LANES_OP(max, epi32)((FASTCV_LANES_INT)a, (FASTCV_LANES_INT)b);
}
FASTCV_HD Ints dot_halves(Ints a, Ints b) {
  return (Ints)FASTCV_LANES_OP(madd, epi16)((FASTCV_LANES_INT)a, (FASTCV_LANES_INT)b);
}
FASTCV_HD Ints dot_bytes(Ints weights, Ints bytes) {  // unsigned weights, signed bytes
  return (Ints)FASTCV_LANES_OP(maddubs, epi16)((FASTCV_LANES_INT)weights, (FASTCV_LANES_INT)bytes);
}
#undef FASTCV_LANES_OP
#undef FASTCV_LANES_INT
#undef FASTCV_LANES_FLOAT
#define FASTCV_LANES_DOT_BYTES
#else
FASTCV_HD Floats smaller(Floats a, Floats b) { return select(a < b, a, b); }
FASTCV_HD Floats larger(Floats a, Floats b) { return select(a > b, a, b); }
FASTCV_HD Ints smaller(Ints a, Ints b) { return select(a < b, a, b); }
FASTCV_HD Ints larger(Ints a, Ints b) { return select(a > b, a, b); }
#endif

// Negative numbers count as large ones.
FASTCV_HD Ints at_most_unsigned(Ints x, std::int32_t limit) { return (Unsigned)x <= static_cast<std::uint32_t>(limit); }

FASTCV_HD Ints has_no_lowest_byte(Ints quad) {
  const auto bits = (Unsigned)quad;
  return ((((bits & 0x7f7f7f7fU) + 0x7f7f7f7fU) | ~bits) & 0x80808080U) == 0x80808080U;
}

FASTCV_HD Ints lane_indices() {
  Ints v;
  for (int i = 0; i < kLanes; ++i) v[i] = i;
  return v;
}

template <int Stride = 1>  // 1 or 2
FASTCV_HD Ints gather(const std::int32_t* base, Ints index) {
#if defined(__AVX512F__)
  return (Ints)_mm512_i32gather_epi32((__m512i)index, base, 4 * Stride);
#elif defined(__AVX2__)
  return (Ints)_mm256_i32gather_epi32(base, (__m256i)index, 4 * Stride);
#else
  Ints v;
  for (int i = 0; i < kLanes; ++i) v[i] = gather<Stride>(base, std::int32_t(index[i]));
  return v;
#endif
}

#if defined(FASTCV_LANES_DOT_BYTES)
// The same integers as above, as far as the weights are any: both bytes of fy for both halves, then halves 128 - fx,
// fx.
FASTCV_HD Ints bilinear_bytes(Ints quad, Ints weights) {
  const Ints low = weights & 0xffff, fx = weights >> 16;
  return dot_halves(dot_bytes(low | (low << 16), quad), 128 + (fx << 16) - fx);
}
#else
FASTCV_HD Ints dot_halves(Ints a, Ints b) {
  Ints v;
  for (int i = 0; i < kLanes; ++i) v[i] = dot_halves(std::int32_t(a[i]), std::int32_t(b[i]));
  return v;
}
FASTCV_HD Ints bilinear_bytes(Ints quad, Ints weights) {
  Ints v;
  for (int i = 0; i < kLanes; ++i) v[i] = bilinear_bytes(std::int32_t(quad[i]), std::int32_t(weights[i]));
  return v;
}
#endif
#undef FASTCV_LANES_DOT_BYTES

#endif  // __CUDACC__

// 1 / sqrt(x) to about 3e-7, bit for bit the same everywhere, where a division and a root would cost three times as
// much. x must be positive and normal. Source: Lomont 2003, "Fast inverse square root", with three Newton steps.
template <class F>
FASTCV_HD F inverse_sqrt(F x) {
  F y = from_bits(0x5f375a86 - (bits_of(x) >> 1));
  for (int step = 0; step < 3; ++step) y = y * (1.5F - (0.5F * x) * y * y);
  return y;
}

}  // namespace fastcv::FASTCV_ISA
