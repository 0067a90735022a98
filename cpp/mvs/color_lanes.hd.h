// SPDX-License-Identifier: Apache-2.0
// How far the colour between four pixels is from another colour, for one value and for a vector of them.
#pragma once

#include <cstdint>

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// Where packed colours hold a pixel: two words, the bytes of which are pairs of the pixel's own level and the one below
// it, of red, green, blue and a fourth that is always 0. Behind it follows its neighbour on the right.
constexpr int kColorWords = 2;

// A colour to compare with is four numbers as those in a word, in units of 2^-kColorBits levels.
constexpr int kColorValues = 4, kColorBits = 7;
FASTCV_HD void unpack_color(const std::int32_t* pixel, std::int16_t* values) {
  for (int c = 0; c < kColorValues; ++c) {
    values[c] = static_cast<std::int16_t>(static_cast<std::int8_t>(pixel[c / 2] >> 16 * (c % 2)) * (1 << kColorBits));
  }
}

// Sum over channels of the absolute difference between a colour and the bilinear one at packed pixel `index`, in units
// of 2^-kColorBits levels; weights are bytes 128 - fy, fy and fx in 128ths. Exact along y, rounded to a unit along x.
FASTCV_HD std::int32_t color_difference(const std::int32_t* words, const std::int32_t* index, std::int32_t weights,
                                        const std::int16_t* color) {
  const std::int32_t fx = weights >> 16 & 127, fy = weights >> 8 & 255;
  const std::int32_t* pixel = words + kColorWords * std::int64_t(*index);
  std::int32_t sum = 0;
  for (int c = 0; c < kColorValues; ++c) {
    const auto column = [&](int k) {
      const std::int32_t pair = pixel[kColorWords * k + c / 2] >> 16 * (c % 2);
      return static_cast<std::int8_t>(pair) * (128 - fy) + static_cast<std::int8_t>(pair >> 8) * fy;
    };
    const std::int32_t left = column(0), right = column(1);
    const std::int32_t difference = left + (((right - left) * fx + 64) >> 7) - color[c];
    sum += larger(difference, -difference);
  }
  return sum;
}

#ifndef __CUDACC__

#if defined(__AVX512BW__)
#define FASTCV_COLOR_OP(op) _mm512_##op
#define FASTCV_COLOR_REGISTER __m512i
#define FASTCV_COLOR_FLOATS __m512
#elif defined(__AVX2__)
#define FASTCV_COLOR_OP(op) _mm256_##op
#define FASTCV_COLOR_REGISTER __m256i
#define FASTCV_COLOR_FLOATS __m256
#elif defined(__SSE4_1__)
#define FASTCV_COLOR_OP(op) _mm_##op
#define FASTCV_COLOR_REGISTER __m128i
#define FASTCV_COLOR_FLOATS __m128
#endif

// A register is a row of 128-bit blocks of two colours each, and the shuffles below stay within blocks: of the colours
// of kLanes lanes, block b of register j holds those of lanes 4 b + 2 j and 4 b + 2 j + 1. Where colours to compare
// with are stored in a row, number i belongs here:
FASTCV_HD std::int64_t color_place(std::int64_t i) {
  const std::int64_t lane = i % kLanes;
  return i - lane + lane / 2 % 2 * (kLanes / 2) + lane / 4 * 2 + lane % 2;
}

#if defined(FASTCV_COLOR_OP)
// The 2 x 2 pixels at index[0], index[4], ...: one block each.
FASTCV_HD FASTCV_COLOR_REGISTER load_pixels(const std::int32_t* words, const std::int32_t* index) {
  const auto block = [=](int b) {
    return _mm_loadu_si128(
        reinterpret_cast<const __m128i*>(words + kColorWords * std::size_t(std::uint32_t(index[4 * b]))));
  };
#if defined(__AVX512BW__)
  const __m512i first = _mm512_inserti32x4(_mm512_castsi128_si512(block(0)), block(1), 1);
  return _mm512_inserti32x4(_mm512_inserti32x4(first, block(2), 2), block(3), 3);
#elif defined(__AVX2__)
  return _mm256_inserti128_si256(_mm256_castsi128_si256(block(0)), block(1), 1);
#else
  return block(0);
#endif
}

// Every block consists of these two halves.
FASTCV_HD FASTCV_COLOR_REGISTER repeat_block(std::uint64_t low, std::uint64_t high) {
  typedef std::uint64_t Halves __attribute__((vector_size(4 * kLanes)));
  Halves v;
  for (int i = 0; i < kLanes / 2; ++i) v[i] = i % 2 == 0 ? low : high;
  return (FASTCV_COLOR_REGISTER)v;
}

// color: in kLanes places.
FASTCV_HD Ints color_difference(const std::int32_t* words, const std::int32_t* index, Ints weights,
                                const std::int16_t* color) {
  using Register = FASTCV_COLOR_REGISTER;
  FASTCV_COLOR_FLOATS sums[2];  // of two values each
  FASTCV_UNROLL
  for (int j = 0; j < 2; ++j) {
    const Register first = load_pixels(words, index + 2 * j), second = load_pixels(words, index + 2 * j + 1);
    // Bytes 128 - fy, fy; and words 256 fx, so that the rounded product with 2^-15 is one with fx / 128.
    const std::uint64_t lane = 0x0404040404040404, step_j = 2 * lane * std::uint64_t(j);
    const Register along_y = FASTCV_COLOR_OP(shuffle_epi8)(
        (Register)weights, repeat_block(0x0100010001000100 + step_j, 0x0100010001000100 + lane + step_j));
    const Register along_x = FASTCV_COLOR_OP(shuffle_epi8)(
        (Register)weights, repeat_block(0x0280028002800280 + (step_j & 0xff00ff00ff00ff00),
                                        0x0280028002800280 + ((lane + step_j) & 0xff00ff00ff00ff00)));
    const Register left = FASTCV_COLOR_OP(maddubs_epi16)(along_y, FASTCV_COLOR_OP(unpacklo_epi64)(first, second));
    const Register right = FASTCV_COLOR_OP(maddubs_epi16)(along_y, FASTCV_COLOR_OP(unpackhi_epi64)(first, second));
    const Register step = FASTCV_COLOR_OP(mulhrs_epi16)(FASTCV_COLOR_OP(sub_epi16)(right, left), along_x);
    Register other;
    __builtin_memcpy(&other, color + 2 * kLanes * j, sizeof other);
    const Register difference = FASTCV_COLOR_OP(sub_epi16)(FASTCV_COLOR_OP(add_epi16)(left, step), other);
    sums[j] = (FASTCV_COLOR_FLOATS)FASTCV_COLOR_OP(madd_epi16)(FASTCV_COLOR_OP(abs_epi16)(difference),
                                                               FASTCV_COLOR_OP(set1_epi16)(1));
  }
  return (Ints)FASTCV_COLOR_OP(shuffle_ps)(sums[0], sums[1], 0x88) +
         (Ints)FASTCV_COLOR_OP(shuffle_ps)(sums[0], sums[1], 0xdd);
}
#undef FASTCV_COLOR_OP
#undef FASTCV_COLOR_REGISTER
#undef FASTCV_COLOR_FLOATS
#else
FASTCV_HD Ints color_difference(const std::int32_t* words, const std::int32_t* index, Ints weights,
                                const std::int16_t* color) {
  Ints v;
  for (int i = 0; i < kLanes; ++i) {
    v[i] = color_difference(words, index + i, std::int32_t(weights[i]), color + kColorValues * color_place(i));
  }
  return v;
}
#endif

#endif  // __CUDACC__

}  // namespace fastcv::FASTCV_ISA
