// SPDX-License-Identifier: Apache-2.0
// Vectors of bytes, as long as the instruction set has them, and the few operations that semi-global matching needs.
#pragma once

#include <cstdint>

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

#if defined(__AVX512BW__)
constexpr int kBytes = 64;
#define FASTCV_BYTES_OP(op) _mm512_##op
#define FASTCV_BYTES_REGISTER __m512i
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#define FASTCV_BYTES_OP(op) _mm256_##op
#define FASTCV_BYTES_REGISTER __m256i
#else
constexpr int kBytes = 16;
#define FASTCV_BYTES_OP(op) _mm_##op
#define FASTCV_BYTES_REGISTER __m128i
#endif
constexpr int kWords = kBytes / 2;

typedef std::uint8_t Bytes __attribute__((vector_size(kBytes)));
typedef std::uint16_t Words __attribute__((vector_size(kBytes)));

FASTCV_HD Bytes splat_byte(std::uint8_t x) { return Bytes{} + x; }
FASTCV_HD Words splat_word(std::uint16_t x) { return Words{} + x; }

#if defined(__SSE4_1__)
FASTCV_HD FASTCV_BYTES_REGISTER raw(Bytes v) { return (FASTCV_BYTES_REGISTER)v; }
FASTCV_HD FASTCV_BYTES_REGISTER raw(Words v) { return (FASTCV_BYTES_REGISTER)v; }
FASTCV_HD Bytes smaller(Bytes a, Bytes b) { return (Bytes)FASTCV_BYTES_OP(min_epu8)(raw(a), raw(b)); }
FASTCV_HD Words smaller(Words a, Words b) { return (Words)FASTCV_BYTES_OP(min_epu16)(raw(a), raw(b)); }
FASTCV_HD Words larger(Words a, Words b) { return (Words)FASTCV_BYTES_OP(max_epu16)(raw(a), raw(b)); }
// At most 255.
FASTCV_HD Bytes plus(Bytes a, Bytes b) { return (Bytes)FASTCV_BYTES_OP(adds_epu8)(raw(a), raw(b)); }
#else
FASTCV_HD Bytes smaller(Bytes a, Bytes b) { return a < b ? a : b; }
FASTCV_HD Words smaller(Words a, Words b) { return a < b ? a : b; }
FASTCV_HD Words larger(Words a, Words b) { return a > b ? a : b; }
FASTCV_HD Bytes plus(Bytes a, Bytes b) { return a > (std::uint8_t)255 - b ? splat_byte(255) : a + b; }
#endif

#if defined(__AVX512BW__)
typedef std::int64_t Quads __attribute__((vector_size(64)));

// Lane i gets lane i - 1, the first one the last lane of `before`.
FASTCV_HD Bytes shifted_up(Bytes before, Bytes v) {
  return (Bytes)_mm512_alignr_epi8(raw(v), _mm512_alignr_epi64(raw(v), raw(before), 6), 15);
}
// Lane i gets lane i + 1, the last one the first lane of `after`.
FASTCV_HD Bytes shifted_down(Bytes v, Bytes after) {
  return (Bytes)_mm512_alignr_epi8(_mm512_alignr_epi64(raw(after), raw(v), 2), raw(v), 1);
}
// table[v & 15] for every byte.
FASTCV_HD Bytes look_up(const std::uint8_t* table, Bytes v) {
  return (Bytes)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)table)), raw(v));
}
// Times c + a in 16 bits, of the lower and of the upper half of the lanes.
template <int Times>
FASTCV_HD void times_and_plus(Bytes c, Bytes a, Words& low, Words& high) {
  const __m512i weights = _mm512_set1_epi16(0x0100 + Times);
  const __m512i even = _mm512_maddubs_epi16(_mm512_unpacklo_epi8(raw(c), raw(a)), weights);
  const __m512i odd = _mm512_maddubs_epi16(_mm512_unpackhi_epi8(raw(c), raw(a)), weights);
  low = (Words)_mm512_permutex2var_epi64(even, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), odd);
  high = (Words)_mm512_permutex2var_epi64(even, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), odd);
}
FASTCV_HD Bytes splat_first(__m128i v) { return (Bytes)_mm512_broadcastb_epi8(v); }
FASTCV_HD __m128i halves_min_epu8(Bytes v) {
  const __m256i w = _mm256_min_epu8(_mm512_castsi512_si256(raw(v)), _mm512_extracti64x4_epi64(raw(v), 1));
  return _mm_min_epu8(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
}
FASTCV_HD __m128i halves_min_epu16(Words v) {
  const __m256i w = _mm256_min_epu16(_mm512_castsi512_si256(raw(v)), _mm512_extracti64x4_epi64(raw(v), 1));
  return _mm_min_epu16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
}
// The index of the first lane that equals x, kWords for none.
FASTCV_HD int first_equal(Words v, std::uint16_t x) {
  const std::uint64_t mask = _mm512_cmpeq_epi16_mask(raw(v), raw(splat_word(x)));
  return __builtin_ctzll(mask | std::uint64_t(1) << kWords);
}
#elif defined(__AVX2__)
FASTCV_HD Bytes shifted_up(Bytes before, Bytes v) {
  return (Bytes)_mm256_alignr_epi8(raw(v), _mm256_permute2x128_si256(raw(before), raw(v), 0x21), 15);
}
FASTCV_HD Bytes shifted_down(Bytes v, Bytes after) {
  return (Bytes)_mm256_alignr_epi8(_mm256_permute2x128_si256(raw(v), raw(after), 0x21), raw(v), 1);
}
FASTCV_HD Bytes look_up(const std::uint8_t* table, Bytes v) {
  return (Bytes)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)table)), raw(v));
}
template <int Times>
FASTCV_HD void times_and_plus(Bytes c, Bytes a, Words& low, Words& high) {
  const __m256i weights = _mm256_set1_epi16(0x0100 + Times);
  const __m256i even = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(raw(c), raw(a)), weights);
  const __m256i odd = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(raw(c), raw(a)), weights);
  low = (Words)_mm256_permute2x128_si256(even, odd, 0x20);
  high = (Words)_mm256_permute2x128_si256(even, odd, 0x31);
}
FASTCV_HD Bytes splat_first(__m128i v) { return (Bytes)_mm256_broadcastb_epi8(v); }
FASTCV_HD __m128i halves_min_epu8(Bytes v) {
  return _mm_min_epu8(_mm256_castsi256_si128(raw(v)), _mm256_extracti128_si256(raw(v), 1));
}
FASTCV_HD __m128i halves_min_epu16(Words v) {
  return _mm_min_epu16(_mm256_castsi256_si128(raw(v)), _mm256_extracti128_si256(raw(v), 1));
}
FASTCV_HD int first_equal(Words v, std::uint16_t x) {
  const auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8((__m256i)(v == x)));
  return __builtin_ctzll(mask | std::uint64_t(1) << kBytes) / 2;
}
#elif defined(__SSE4_1__)
FASTCV_HD Bytes shifted_up(Bytes before, Bytes v) { return (Bytes)_mm_alignr_epi8(raw(v), raw(before), 15); }
FASTCV_HD Bytes shifted_down(Bytes v, Bytes after) { return (Bytes)_mm_alignr_epi8(raw(after), raw(v), 1); }
FASTCV_HD Bytes look_up(const std::uint8_t* table, Bytes v) {
  return (Bytes)_mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)table), raw(v));
}
template <int Times>
FASTCV_HD void times_and_plus(Bytes c, Bytes a, Words& low, Words& high) {
  const __m128i weights = _mm_set1_epi16(0x0100 + Times);
  low = (Words)_mm_maddubs_epi16(_mm_unpacklo_epi8(raw(c), raw(a)), weights);
  high = (Words)_mm_maddubs_epi16(_mm_unpackhi_epi8(raw(c), raw(a)), weights);
}
FASTCV_HD Bytes splat_first(__m128i v) { return (Bytes)_mm_shuffle_epi8(v, _mm_setzero_si128()); }
FASTCV_HD __m128i halves_min_epu8(Bytes v) { return raw(v); }
FASTCV_HD __m128i halves_min_epu16(Words v) { return raw(v); }
FASTCV_HD int first_equal(Words v, std::uint16_t x) {
  const int mask = _mm_movemask_epi8((__m128i)(v == x));
  return __builtin_ctz(mask | 1 << kBytes) / 2;
}
#else
FASTCV_HD Bytes shifted_up(Bytes before, Bytes v) {
  Bytes r;
  for (int i = 0; i < kBytes; ++i) r[i] = i > 0 ? v[i - 1] : before[kBytes - 1];
  return r;
}
FASTCV_HD Bytes shifted_down(Bytes v, Bytes after) {
  Bytes r;
  for (int i = 0; i < kBytes; ++i) r[i] = i + 1 < kBytes ? v[i + 1] : after[0];
  return r;
}
FASTCV_HD Bytes look_up(const std::uint8_t* table, Bytes v) {
  Bytes r;
  for (int i = 0; i < kBytes; ++i) r[i] = table[v[i] & 15];
  return r;
}
template <int Times>
FASTCV_HD void times_and_plus(Bytes c, Bytes a, Words& low, Words& high) {
  typedef std::uint8_t Half __attribute__((vector_size(kWords)));
  const auto widened = [](Bytes v, int from) {
    Half half;
    __builtin_memcpy(&half, reinterpret_cast<const std::uint8_t*>(&v) + from, sizeof half);
    return __builtin_convertvector(half, Words);
  };
  low = widened(c, 0) * Times + widened(a, 0);
  high = widened(c, kWords) * Times + widened(a, kWords);
}
FASTCV_HD int first_equal(Words v, std::uint16_t x) {
  int i = 0;
  while (i < kWords && v[i] != x) ++i;
  return i;
}
#endif

#if defined(__SSE4_1__)
FASTCV_HD std::uint16_t smallest(Words v) {
  return static_cast<std::uint16_t>(_mm_cvtsi128_si32(_mm_minpos_epu16(halves_min_epu16(v))));
}
// The smallest lane in every lane.
FASTCV_HD Bytes splat_smallest(Bytes v) {
  const __m128i bytes = halves_min_epu8(v), pairs = _mm_min_epu8(bytes, _mm_srli_epi16(bytes, 8));
  return splat_first(_mm_minpos_epu16(pairs));
}
#else
FASTCV_HD std::uint16_t smallest(Words v) {
  std::uint16_t least = v[0];
  for (int i = 1; i < kWords; ++i) least = v[i] < least ? v[i] : least;
  return least;
}
FASTCV_HD Bytes splat_smallest(Bytes v) {
  std::uint8_t least = v[0];
  for (int i = 1; i < kBytes; ++i) least = v[i] < least ? v[i] : least;
  return splat_byte(least);
}
#endif
#undef FASTCV_BYTES_OP
#undef FASTCV_BYTES_REGISTER

}  // namespace fastcv::FASTCV_ISA
