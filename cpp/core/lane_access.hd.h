// SPDX-License-Identifier: Apache-2.0
// Lanes that go their own ways: reads and writes at places that differ, single lanes, the first few, and whether any is
// set.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

template <class F>
constexpr int kLanesOf = sizeof(F) / sizeof(float);

FASTCV_HD float gather(const float* base, std::int32_t index) { return base[index]; }
// The first `count` lanes to their places.
FASTCV_HD void scatter(float* base, std::int32_t index, float value, int /*count*/) { base[index] = value; }
FASTCV_HD bool any(bool mask) { return mask; }
// Bit i: whether lane i is set.
FASTCV_HD std::uint32_t lane_bits(bool mask) { return mask; }
FASTCV_HD std::int32_t get_lane(std::int32_t value, int /*lane*/) { return value; }
FASTCV_HD void set_lane(float& value, int /*lane*/, float x) { value = x; }

#ifndef __CUDACC__

FASTCV_HD Floats gather(const float* base, Ints index) {
#if defined(__AVX512F__)
  return (Floats)_mm512_i32gather_ps((__m512i)index, base, 4);
#elif defined(__AVX2__)
  return (Floats)_mm256_i32gather_ps(base, (__m256i)index, 4);
#else
  Floats v;
  for (int i = 0; i < kLanes; ++i) v[i] = base[index[i]];
  return v;
#endif
}
FASTCV_HD void scatter(float* base, Ints index, Floats value, int count) {
  for (int i = 0; i < count; ++i) base[index[i]] = value[i];
}
FASTCV_HD bool any(Ints mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_testz_si256((__m256i)mask, (__m256i)mask) == 0;
#elif defined(__SSE4_1__)
  return _mm_testz_si128((__m128i)mask, (__m128i)mask) == 0;
#else
  std::int32_t bits = 0;
  for (int i = 0; i < kLanes; ++i) bits |= mask[i];
  return bits != 0;
#endif
}
FASTCV_HD std::uint32_t lane_bits(Ints mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask);
#elif defined(__AVX2__)
  return static_cast<std::uint32_t>(_mm256_movemask_ps((__m256)mask));
#elif defined(__SSE4_1__)
  return static_cast<std::uint32_t>(_mm_movemask_ps((__m128)mask));
#else
  std::uint32_t bits = 0;
  for (int i = 0; i < kLanes; ++i) bits |= static_cast<std::uint32_t>(mask[i] != 0) << i;
  return bits;
#endif
}
FASTCV_HD std::int32_t get_lane(Ints value, int lane) { return value[lane]; }
FASTCV_HD void set_lane(Floats& value, int lane, float x) { value[lane] = x; }

// The first `count` lanes, of which there may be none or more than all; the others are 0 or stay as they are in memory.
#if defined(__AVX512F__) && defined(__BMI2__)
FASTCV_HD __mmask16 first_lanes(int count) {
  return static_cast<__mmask16>(_bzhi_u32(0xffff, static_cast<unsigned>(count < 0 ? 0 : count)));
}
FASTCV_HD Floats load_first(const float* from, int count) {
  return (Floats)_mm512_maskz_loadu_ps(first_lanes(count), from);
}
FASTCV_HD void store_first(float* to, Floats v, int count) { _mm512_mask_storeu_ps(to, first_lanes(count), (__m512)v); }
#else
FASTCV_HD Floats load_first(const float* from, int count) {
  if (count >= kLanes) return load<Floats>(from);
  Floats v{};
  for (int i = 0; i < count; ++i) v[i] = from[i];
  return v;
}
FASTCV_HD void store_first(float* to, Floats v, int count) {
  if (count >= kLanes) return store(to, v);
  for (int i = 0; i < count; ++i) to[i] = v[i];
}
#endif

#endif  // __CUDACC__

}  // namespace fastcv::FASTCV_ISA
