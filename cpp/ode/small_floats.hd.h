// SPDX-License-Identifier: Apache-2.0
// IEEE half precision and bfloat16 to and from float, to nearest even, for one value and for a vector: the same bits on
// every instruction set and on a GPU. Bits come and go in the low 16 of an integer.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

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

// A half's exponent and mantissa, moved to a float's places, are the number times 2^-112, subnormal ones too.
template <class Int>
FASTCV_HD typename FloatOfInt<Int>::Type float_from_half(Int bits) {
  const Int magnitude = (bits & 0x7fff) << 13;
  const Int finite = bits_of(from_bits(magnitude) * 0x1p112F);
  const Int value = select(magnitude < 0x0f800000, finite, magnitude | 0x7f800000);
  return from_bits(value | ((bits & 0x8000) << 16));
}

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

}  // namespace fastcv::FASTCV_ISA
