// SPDX-License-Identifier: Apache-2.0
// One wave of the frequency encoding and its derivatives, and the operations for one coordinate as GPUs run them.
#pragma once

#include "camera/trig.hd.h"
#include "nerf/frequency.h"

namespace fastcv::FASTCV_ISA {

// The derivative of this order of (sin, cos)(pi x) by pi x. Half-turns lose nothing by being doubled, which is what
// keeps the highest octave as exact as the lowest.
template <int Order, class T>
FASTCV_HD SineCosine<T> wave(const T& half_turns) {
  static_assert(Order >= 0 && Order <= 2);
  const SineCosine<T> at = sine_cosine_of_turns(T(0.5) * half_turns);
  if constexpr (Order == 0) {
    return at;
  } else if constexpr (Order == 1) {
    return {at.cosine, -at.sine};
  } else {
    return {-at.sine, -at.cosine};
  }
}

// weight * (2^k pi)^Order
template <int Order, class T>
FASTCV_HD T wave_amplitude(const nerf::FrequencyBands& bands, int k, T octave) {
  T amplitude = static_cast<T>(bands.weights[k]);
  FASTCV_UNROLL
  for (int i = 0; i < Order; ++i) amplitude *= T(kPi) * octave;
  return amplitude;
}

// Index i counts the waves: those of a coordinate one after the other.
template <int Order, class T>
struct FrequencyOne {
  nerf::FrequencyBands bands;
  const T *points, *tangents;  // tangents where Order is 1
  T* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t coordinate = i / bands.count;
    const int k = static_cast<int>(i - coordinate * bands.count);
    const T octave = static_cast<T>(std::uint32_t(1) << k), x = points[coordinate];
    const T along = Order == 0 ? T(1) : tangents[coordinate];
    const SineCosine<T> at = wave<Order>(octave * x);
    const T factor = wave_amplitude<Order>(bands, k, octave) * along;
    T* to = out + bands.waves_at(coordinate) + 2 * k;
    to[0] = factor * at.sine;
    to[1] = factor * at.cosine;
    if (bands.include_input && k == 0) out[bands.input_at(coordinate)] = Order == 0 ? x : along;
  }
};

// Index i counts the coordinates. Order is 1, or 2 with tangents.
template <int Order, class T>
struct FrequencyVjpOne {
  nerf::FrequencyBands bands;
  const T *points, *tangents, *grad;
  T* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const T* waves = grad + bands.waves_at(i);
    T sum = 0;
    for (int k = 0; k < bands.count; ++k) {
      const T octave = static_cast<T>(std::uint32_t(1) << k);
      const SineCosine<T> at = wave<Order>(octave * points[i]);
      sum += wave_amplitude<Order>(bands, k, octave) * (at.sine * waves[2 * k] + at.cosine * waves[2 * k + 1]);
    }
    if (Order == 1 && bands.include_input) sum += grad[bands.input_at(i)];
    out[i] = Order == 1 ? sum : sum * tangents[i];
  }
};

}  // namespace fastcv::FASTCV_ISA
