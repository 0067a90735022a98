// SPDX-License-Identifier: Apache-2.0
// Half precision as storage: numbers that are read as floats, for all arithmetic is done in those.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv {

// IEEE 754 binary16 as it lies in memory.
struct Half {
  std::uint16_t bits;
};

namespace FASTCV_ISA {

// The float that the low 16 bits of a word are, exactly. No operand is subnormal, which processors are slow with.
template <class I>
FASTCV_HD auto float_from_half(I word) {
  constexpr std::int32_t kExponent = 0x7c00 << 13, kBias = (127 - 15) << 23;
  const I magnitude = (word & 0x7fff) << 13, exponent = magnitude & kExponent, rebiased = magnitude + kBias;
  const auto subnormal = from_bits(rebiased + (1 << 23)) - from_bits(I{} + (kBias + (1 << 23)));
  const I finite = select(exponent == I{}, bits_of(subnormal), rebiased);
  return from_bits(select(exponent == I{} + kExponent, rebiased + kBias, finite) | ((word & 0x8000) << 16));
}

#if defined(__AVX512F__) && !defined(__CUDACC__)
FASTCV_HD Floats float_from_half(Ints word) { return (Floats)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)word)); }
#endif

FASTCV_HD float to_float(Half half) { return float_from_half(std::int32_t(half.bits)); }

}  // namespace FASTCV_ISA
}  // namespace fastcv
