// SPDX-License-Identifier: Apache-2.0
// Standard normal numbers as a function of (seed, sample, step, element) alone, bit for bit the same for one value and
// a vector of them, on every instruction set. Source: Box & Muller 1958, "A note on the generation of random normal
// deviates", on the words of Philox.
#pragma once

#include "core/philox_lanes.hd.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD float float_of(std::uint32_t x) { return static_cast<float>(x); }
FASTCV_HD std::int32_t signed_of(std::uint32_t x) { return static_cast<std::int32_t>(x); }
FASTCV_HD float multiply_sign(float x, std::uint32_t sign) {
  return __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, x) ^ sign);
}
#ifndef __CUDACC__
FASTCV_HD Floats float_of(Unsigned x) { return __builtin_convertvector(x, Floats); }
FASTCV_HD Ints signed_of(Unsigned x) { return (Ints)x; }
FASTCV_HD Floats multiply_sign(Floats x, Unsigned sign) { return (Floats)((Unsigned)x ^ sign); }
#endif

// -2 ln u of u = (word + 1/2) / 2^32, relative error about 2e-7. ln m = 2 artanh((m - 1) / (m + 1)) for m from
// sqrt(1/2) to sqrt(2); the series' next term is below 3e-9 of the sum. Near 1, m - 1 = u - 1 comes from the word: u is
// rounded.
template <class F, class Word>
FASTCV_HD F minus_two_log(Word word) {
  const F u = float_of(word) * 0x1p-32F + 0x1p-33F, to_one = float_of(~word) * 0x1p-32F + 0x1p-33F;
  const IntOf<F> exponent = (bits_of(u) - 0x3f3504f3) >> 23;
  const F f = select(exponent == 0, -to_one, from_bits(bits_of(u) - (exponent << 23)) - 1.0F);
  const F s = f / (f + 2.0F), s2 = s * s;
  F p = s2 * (1.0F / 9.0F) + 1.0F / 7.0F;
  p = p * s2 + 1.0F / 5.0F;
  p = p * s2 + 1.0F / 3.0F;
  p = p * s2 + 1.0F;
  return to_float(exponent) * -1.38629436F - 4.0F * (s * p);
}

// Two independent normal numbers from two words. The second word is an angle in 2^-32 of a turn: the nearest quarter
// turn is taken off as an integer, the rest goes through Taylor's series (next terms below 3e-9).
template <class F, class Word>
FASTCV_HD void normal_pair(Word word0, Word word1, F& first, F& second) {
  const F squared = minus_two_log<F>(word0), radius = squared * inverse_sqrt(squared);
  const Word quarter = (word1 + 0x20000000U) >> 30;
  const F a = to_float(signed_of(word1 - (quarter << 30))) * 1.46291808e-9F, a2 = a * a;  // 2 pi / 2^32
  F s = a2 * (1.0F / 362880.0F) - 1.0F / 5040.0F;
  s = s * a2 + 1.0F / 120.0F;
  s = s * a2 - 1.0F / 6.0F;
  s = a + a * (a2 * s);
  F c = a2 * (-1.0F / 3628800.0F) + 1.0F / 40320.0F;
  c = c * a2 - 1.0F / 720.0F;
  c = c * a2 + 1.0F / 24.0F;
  c = c * a2 - 0.5F;
  c = c * a2 + 1.0F;
  const auto odd = (quarter & 1U) != 0U;
  first = radius * multiply_sign(select(odd, s, c), ((quarter + 1U) & 2U) << 30);
  second = radius * multiply_sign(select(odd, c, s), (quarter & 2U) << 30);
}

// Elements 4 block to 4 block + 3 of a sample's noise at a step; with one pair only the first two.
template <class F, class Word>
FASTCV_HD void normal_quad(std::uint64_t seed, Word id_low, Word id_high, std::uint32_t step, Word block, int pairs,
                           F* quad) {
  const PhiloxOf<Word> counter{{block, Word{} + step, id_low, id_high}};
  const PhiloxOf<Word> words =
      philox4x32(counter, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
  normal_pair(words.v[0], words.v[1], quad[0], quad[1]);
  if (pairs == 2) normal_pair(words.v[2], words.v[3], quad[2], quad[3]);
}

}  // namespace fastcv::FASTCV_ISA
