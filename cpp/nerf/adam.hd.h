// SPDX-License-Identifier: Apache-2.0
// What a step of Adam makes of one parameter, or of a vector of them, and how numbers lie in memory.
#pragma once

#include <cmath>

#include "core/small_floats.hd.h"
#include "nerf/adam.h"

namespace fastcv::FASTCV_ISA {

// What all parameters of a step have in common.
struct AdamRates {
  float gain1, keep2, gain2, keep, step_size, root_correction, eps, scale;
  bool skip;  // a gradient somewhere is not finite
};

// Before rates_of.
FASTCV_HD void count_step(const nerf::AdamStep& adam) {
  if (adam.found_inf == nullptr || *adam.found_inf == 0.0F) *adam.step += 1.0F;
}
FASTCV_HD AdamRates rates_of(const nerf::AdamStep& adam) {
  const double step = *adam.step, rate = adam.rate_there == nullptr ? adam.rate : *adam.rate_there;
  const double correction1 = 1 - pow(adam.beta1, step), correction2 = 1 - pow(adam.beta2, step);
  return {static_cast<float>(1 - adam.beta1),
          static_cast<float>(adam.beta2),
          static_cast<float>(1 - adam.beta2),
          static_cast<float>(1 - rate * adam.decay),
          static_cast<float>(rate / correction1),
          static_cast<float>(sqrt(correction2)),
          static_cast<float>(adam.eps),
          adam.scale == nullptr ? 1.0F : *adam.scale,
          adam.found_inf != nullptr && *adam.found_inf != 0.0F};
}

FASTCV_HD float root(float x) { return sqrtf(x); }
#ifndef __CUDACC__
#if defined(__AVX512F__)
FASTCV_HD Floats root(Floats x) { return (Floats)_mm512_sqrt_ps((__m512)x); }
#elif defined(__AVX2__)
FASTCV_HD Floats root(Floats x) { return (Floats)_mm256_sqrt_ps((__m256)x); }
#elif defined(__SSE4_1__)
FASTCV_HD Floats root(Floats x) { return (Floats)_mm_sqrt_ps((__m128)x); }
#else
FASTCV_HD Floats root(Floats x) {
  for (int i = 0; i < kLanes; ++i) x[i] = sqrtf(x[i]);
  return x;
}
#endif
#endif

template <class F>
struct AdamState {
  F parameter, first, second;
};
template <class F>
FASTCV_HD AdamState<F> adam_update(const AdamRates& rates, const AdamState<F>& old, F gradient) {
  const F g = gradient / rates.scale;
  const F first = old.first + (g - old.first) * rates.gain1;
  const F second = old.second * rates.keep2 + (g * g) * rates.gain2;
  const F divisor = root(second) / rates.root_correction + rates.eps;
  return {old.parameter * rates.keep - rates.step_size * (first / divisor), first, second};
}

FASTCV_HD float read_as_float(const void* array, nerf::Storage type, std::int64_t i) {
  if (type == nerf::Storage::float32) return static_cast<const float*>(array)[i];
  const std::int32_t bits = static_cast<const std::uint16_t*>(array)[i];
  return type == nerf::Storage::float16 ? float_from_half(bits) : float_from_bfloat(bits);
}
FASTCV_HD void write_rounded(void* array, nerf::Storage type, std::int64_t i, float value) {
  if (type == nerf::Storage::float32) {
    static_cast<float*>(array)[i] = value;
  } else {
    const std::int32_t bits = type == nerf::Storage::float16 ? half_from_float(value) : bfloat_from_float(value);
    static_cast<std::uint16_t*>(array)[i] = static_cast<std::uint16_t>(bits);
  }
}

// Element i, or a row of them where some may be untouched.
struct AdamElement {
  nerf::AdamStep adam;

  // Whatever its gradient.
  FASTCV_HD void update(const AdamRates& rates, std::int64_t i) const {
    const AdamState<float> old{adam.parameters[i], adam.first[i], adam.second[i]};
    const auto now = adam_update(rates, old, read_as_float(adam.gradients, adam.gradient_type, i));
    adam.parameters[i] = now.parameter;
    adam.first[i] = now.first;
    adam.second[i] = now.second;
    if (adam.copy != nullptr) write_rounded(adam.copy, adam.copy_type, i, now.parameter);
  }
  FASTCV_HD void clear(std::int64_t i) const {
    if (adam.zero_gradients) write_rounded(adam.gradients, adam.gradient_type, i, 0.0F);
  }
  FASTCV_HD void dense(const AdamRates& rates, std::int64_t i) const {
    if (!rates.skip) update(rates, i);
    clear(i);
  }
  FASTCV_HD void row(const AdamRates& rates, std::int64_t begin, std::int64_t end) const {
    bool touched = false;
    for (std::int64_t i = begin; i < end; ++i) {
      touched = touched || read_as_float(adam.gradients, adam.gradient_type, i) != 0.0F;
    }
    for (std::int64_t i = begin; touched && i < end; ++i) dense(rates, i);
  }
};

}  // namespace fastcv::FASTCV_ISA
