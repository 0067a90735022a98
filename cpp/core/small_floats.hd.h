// SPDX-License-Identifier: Apache-2.0
// IEEE half precision and bfloat16 to and from float, to nearest even, for one value and for a vector: the same bits on
// every instruction set and on a GPU. Bits come and go in the low 16 of an integer.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv {

// IEEE 754 binary16 as it lies in memory.
struct Half {
  std::uint16_t bits;
};

// The upper half of a float's bits as it lies in memory.
struct Bfloat {
  std::uint16_t bits;
};

namespace FASTCV_ISA {

template <class Int>
struct FloatOfInt;
template <>
struct FloatOfInt<std::int32_t> {
  using Type = float;
};
#ifndef __CUDACC__
template <>
struct FloatOfInt<Ints> {
  using Type = Floats;
};
#endif

template <class Int>
FASTCV_HD typename FloatOfInt<Int>::Type float_from_bfloat(Int bits) {
  return from_bits(bits << 16);
}

template <class F>
FASTCV_HD IntOf<F> bfloat_from_float(F x) {
  const IntOf<F> bits = bits_of(x), half_way = ((bits >> 16) & 1) + 0x7fff;
  return select(x == x, wrapping_sum(bits, half_way) >> 16, (bits >> 16) | 0x40);
}

// The float that the low 16 bits of a word are, exactly. No operand is subnormal, which processors are slow with.
template <class Int>
FASTCV_HD typename FloatOfInt<Int>::Type float_from_half(Int word) {
  constexpr std::int32_t kExponent = 0x7c00 << 13, kBias = (127 - 15) << 23;
  const Int magnitude = (word & 0x7fff) << 13, exponent = magnitude & kExponent, rebiased = magnitude + kBias;
  const auto subnormal = from_bits(rebiased + (1 << 23)) - from_bits(Int{} + (kBias + (1 << 23)));
  const Int finite = select(exponent == Int{}, bits_of(subnormal), rebiased);
  return from_bits(select(exponent == Int{} + kExponent, rebiased + kBias, finite) | ((word & 0x8000) << 16));
}

#if defined(__AVX512F__) && !defined(__CUDACC__)
FASTCV_HD Floats float_from_half(Ints word) { return (Floats)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)word)); }
#endif

FASTCV_HD float to_float(Half half) { return float_from_half(std::int32_t(half.bits)); }

template <class F>
FASTCV_HD IntOf<F> half_from_float(F x) {
  const IntOf<F> bits = bits_of(x), magnitude = bits & 0x7fffffff;
  // Between 1/2 and 1 a float's last place is 2^-24, that of a subnormal half.
  const IntOf<F> subnormal = bits_of(from_bits(magnitude) + 0.5F) - 0x3f000000;
  const IntOf<F> normal = wrapping_sum(magnitude, ((magnitude >> 13) & 1) + 0xfff - 0x38000000) >> 13;
  const IntOf<F> finite = select(magnitude < 0x38800000, subnormal, normal);
  const IntOf<F> beyond = select(x == x, IntOf<F>{} + 0x7c00, IntOf<F>{} + 0x7e00);
  return select(magnitude < 0x47800000, finite, beyond) | ((bits >> 16) & 0x8000);
}

}  // namespace FASTCV_ISA
}  // namespace fastcv
