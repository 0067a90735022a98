// SPDX-License-Identifier: Apache-2.0
// What a strip of a pass needs close at hand, and the loop over its elements. For leaf files.
#pragma once

#include <type_traits>

#include "core/small_floats.hd.h"
#include "ode/normal.hd.h"
#include "ode/pass.h"
#include "ode/rows.hd.h"

namespace fastcv::FASTCV_ISA::ode {

using fastcv::ode::kMostColumns;
using fastcv::ode::kMostInputs;
using fastcv::ode::kMostOutputs;
using fastcv::ode::kStrip;
using fastcv::ode::Pass;
using fastcv::ode::Scalar;

typedef double Doubles __attribute__((vector_size(4 * kLanes)));
typedef std::uint16_t Halves __attribute__((vector_size(2 * kLanes)));

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using Type = Floats;
};
template <>
struct VectorOf<double> {
  using Type = Doubles;
};

// Columns and rows as the loop sees them: in the caller's arrays where they have the type of the arithmetic.
template <class T>
struct Work {
  const T* columns[kMostInputs + 1];
  T* rows[kMostOutputs];
  T clip[kMostOutputs];
};

// One number for all elements.
template <class T>
struct SameForAll {
  T c[kMostOutputs][kMostColumns];
  template <class V, int kColumns, int kRows>
  auto close_at_hand() const {
    struct {
      V v[kRows][kColumns + kRows - 1];
      FASTCV_HD V at(int o, int k, std::int64_t /*i*/) const { return v[o][k]; }
    } copy;
    for (int o = 0; o < kRows; ++o) {
      for (int k = 0; k < kColumns + kRows - 1; ++k) copy.v[o][k] = c[o][k] - V{};
    }
    return copy;
  }
};
// A number for each element.
template <class T>
struct OneForEach {
  T c[kMostOutputs][kMostColumns][kStrip];
  template <class V, int kColumns, int kRows>
  auto close_at_hand() const {
    struct {
      const OneForEach* all;
      FASTCV_HD V at(int o, int k, std::int64_t i) const { return load<V>(&all->c[o][k][i]); }
    } view{this};
    return view;
  }
};

#if defined(__AVX512F__)
FASTCV_HD void store_past_caches(void* to, Floats v) { _mm512_stream_ps(static_cast<float*>(to), (__m512)v); }
#elif defined(__AVX2__)
FASTCV_HD void store_past_caches(void* to, Floats v) { _mm256_stream_ps(static_cast<float*>(to), (__m256)v); }
#elif defined(__SSE4_1__)
FASTCV_HD void store_past_caches(void* to, Floats v) { _mm_stream_ps(static_cast<float*>(to), (__m128)v); }
#else
FASTCV_HD void store_past_caches(void* to, Floats v) { store(static_cast<float*>(to), v); }
#endif

// One loop of a pass, with what does not change from element to element.
template <class V, int kColumns, int kRows, class T, class Coefficients>
struct Loop {
  static constexpr std::int64_t kStep = sizeof(V) / sizeof(T);
  Work<T> work;
  Coefficients coefficients;
  V clip[kRows];

  FASTCV_HD void combine(const V* columns, V* rows, std::int64_t i) const {
    combine_rows<kColumns, kRows>(columns, rows, clip, [&](int o, int k) { return coefficients.at(o, k, i); });
  }
  template <bool kStream>
  FASTCV_HD void whole(std::int64_t i) const {
    V columns[kColumns], rows[kRows];
    FASTCV_UNROLL
    for (int k = 0; k < kColumns; ++k) columns[k] = load<V>(work.columns[k] + i);
    combine(columns, rows, i);
    FASTCV_UNROLL
    for (int o = 0; o < kRows; ++o) {
      if (work.rows[o] == nullptr) continue;
      if constexpr (kStream) {
        store_past_caches(work.rows[o] + i, (Floats)rows[o]);
      } else {
        store(work.rows[o] + i, rows[o]);
      }
    }
  }
  // Less than a vector.
  void part(std::int64_t i, std::int64_t count) const {
    V columns[kColumns] = {}, rows[kRows];
    for (int k = 0; k < kColumns; ++k) __builtin_memcpy(&columns[k], work.columns[k] + i, count * sizeof(T));
    combine(columns, rows, i);
    for (int o = 0; o < kRows; ++o) {
      if (work.rows[o] != nullptr) __builtin_memcpy(work.rows[o] + i, &rows[o], count * sizeof(T));
    }
  }
  template <bool kStream>
  void run(std::int64_t i, std::int64_t n) const {
    const Loop loop = *this;  // which no store to an array can change: it stays in registers
#pragma GCC unroll 2
    for (; i + kStep <= n; i += kStep) loop.template whole<kStream>(i);
    if (i < n) part(i, n - i);
  }
};

// Elements up to where all rows lie on a vector's boundary; -1 where there is no such place.
template <class T>
std::int64_t until_aligned(const Work<T>& work, int num_rows, std::int64_t n) {
  constexpr std::uintptr_t kBytes = sizeof(Floats);
  std::int64_t first = -1;
  for (int o = 0; o < num_rows; ++o) {
    if (work.rows[o] == nullptr) continue;
    const auto address = reinterpret_cast<std::uintptr_t>(work.rows[o]);
    const auto ahead = static_cast<std::int64_t>((kBytes - address % kBytes) % kBytes / sizeof(T));
    if (first >= 0 && first != ahead) return -1;
    first = ahead;
  }
  return first < n ? first : -1;
}

template <int kColumns, int kRows, class T, class Coefficients>
void combine(const Work<T>& work, const Coefficients& all, std::int64_t n, bool stream) {
  using V = typename VectorOf<T>::Type;
  const auto coefficients = all.template close_at_hand<V, kColumns, kRows>();
  Loop<V, kColumns, kRows, T, std::remove_const_t<decltype(coefficients)>> loop{work, coefficients, {}};
  for (int o = 0; o < kRows; ++o) loop.clip[o] = work.clip[o] - V{};
  if constexpr (std::is_same_v<Coefficients, SameForAll<float>>) {
    if (const std::int64_t ahead = stream ? until_aligned(work, kRows, n) : -1; ahead >= 0) {
      if (ahead > 0) loop.part(0, ahead);
      loop.template run<true>(ahead, n);
      return;
    }
  }
  loop.template run<false>(0, n);
}

// The loop for these numbers of columns and rows.
template <int kColumns = 1, int kRows = 1, class T, class Coefficients>
void combine_any(int columns, int rows, const Work<T>& work, const Coefficients& coefficients, std::int64_t n,
                 bool stream) {
  if (columns == kColumns && rows == kRows) {
    combine<kColumns, kRows>(work, coefficients, n, stream);
  } else if constexpr (kRows < kMostOutputs) {
    combine_any<kColumns, kRows + 1>(columns, rows, work, coefficients, n, stream);
  } else if constexpr (kColumns < kMostInputs + 1) {
    combine_any<kColumns + 1, 1>(columns, rows, work, coefficients, n, stream);
  }
}

// Numbers of a 16-bit type as floats, and back.
template <class Convert>
FASTCV_HD void widen(const std::uint16_t* from, std::int64_t n, float* to, const Convert& convert) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    store(to + i, convert(__builtin_convertvector(load<Halves>(from + i), Ints)));
  }
  for (; i < n; ++i) to[i] = convert(std::int32_t(from[i]));
}
template <class Convert>
FASTCV_HD void narrow(const float* from, std::int64_t n, std::uint16_t* to, const Convert& convert) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    store(to + i, __builtin_convertvector(convert(load<Floats>(from + i)), Halves));
  }
  for (; i < n; ++i) to[i] = static_cast<std::uint16_t>(convert(from[i]));
}

// n <= kStrip elements from `begin` on of an array of another type than T.
template <class T>
void read(const void* array, Scalar type, std::int64_t begin, std::int64_t n, T* to) {
  float floats[kStrip];
  const float* from = floats;
  if (type == Scalar::float32) {
    from = static_cast<const float*>(array) + begin;
  } else if (type == Scalar::bfloat16) {
    widen(static_cast<const std::uint16_t*>(array) + begin, n, floats, [](auto x) { return float_from_bfloat(x); });
  } else {
    widen(static_cast<const std::uint16_t*>(array) + begin, n, floats, [](auto x) { return float_from_half(x); });
  }
  for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
}

template <class T>
void write(const T* from, void* array, Scalar type, std::int64_t begin, std::int64_t n) {
  if (type == Scalar::float64) {
    for (std::int64_t i = 0; i < n; ++i) static_cast<double*>(array)[begin + i] = from[i];
    return;
  }
  if (type == Scalar::float32) {
    for (std::int64_t i = 0; i < n; ++i) static_cast<float*>(array)[begin + i] = static_cast<float>(from[i]);
    return;
  }
  float floats[kStrip];
  for (std::int64_t i = 0; i < n; ++i) floats[i] = static_cast<float>(from[i]);
  if (type == Scalar::bfloat16) {
    narrow(floats, n, static_cast<std::uint16_t*>(array) + begin, [](auto x) { return bfloat_from_float(x); });
  } else {
    narrow(floats, n, static_cast<std::uint16_t*>(array) + begin, [](auto x) { return half_from_float(x); });
  }
}

}  // namespace fastcv::FASTCV_ISA::ode
