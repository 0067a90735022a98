// SPDX-License-Identifier: Apache-2.0
// What volume rendering makes of one sample: the same for a number, for a vector of them, and on a GPU.
#pragma once

#include <cmath>

#include "core/exp.hd.h"
#include "core/philox.hd.h"
#include "nerf/render.h"

namespace fastcv::FASTCV_ISA {

// A negative density counts as 0, and so does a sample without length. NaN stays NaN.
template <class F>
FASTCV_HD F optical_depth(F density, F length) {
  const F depth = select(length > F{}, density * length, F{});
  return select(depth < F{}, F{}, depth);
}

// 1 - e^-depth, to rounding for tiny depths too.
template <class F>
FASTCV_HD F opacity_of(F depth) {
  return one_minus_exp_of_minus(depth);
}
template <>
FASTCV_HD double opacity_of(double depth) {
  return -expm1(-depth);
}

// The opacity of one layer in front of another. Unlike a product of transmittances it loses no tiny ones.
template <class F>
FASTCV_HD F over(F front, F back) {
  return front + back * (1.0F - front);
}

// What weighs nothing adds nothing, whatever it is: padding may be NaN.
template <class F>
FASTCV_HD F weighted(F weight, F value) {
  return select(weight == F{}, F{}, weight * value);
}

template <class F>
FASTCV_HD F middle(F start, F end) {
  return 0.5F * (start + end);
}

// Of a ray, what the gradients of its samples need.
template <class T>
struct RayGrads {
  T by_distance;  // by sum_i w_i m_i
  T behind;       // by the logarithm of the light that is left at the end
};

template <class T>
FASTCV_HD RayGrads<T> ray_grads(const nerf::RenderSamples<T>& samples, const nerf::RenderedRays<const T>& rendered,
                                const nerf::RenderedGrads<T>& grads, std::int64_t ray) {
  const T opacity = rendered.opacities[ray], least = nerf::kLeastOpacity, divisor = opacity < least ? least : opacity;
  const T by_depth = grads.depths == nullptr ? T(0) : grads.depths[ray] / divisor;
  T by_light = grads.opacities == nullptr ? T(0) : -grads.opacities[ray];
  if (!(opacity < least)) by_light += by_depth * rendered.depths[ray];
  if (grads.colors != nullptr && samples.backgrounds != nullptr) {
    const std::int64_t at = ray * samples.channels;
    for (std::int64_t c = 0; c < samples.channels; ++c) by_light += samples.backgrounds[at + c] * grads.colors[at + c];
  }
  return {by_depth, by_light * (T(1) - opacity)};
}

template <class F>
struct OneSampleGrads {
  F density, start, end;
};

// by_weight: dL/dw_i; light: what passes the sample; behind: sum of w_j dL/dw_j of all that lies behind it. Source:
// w_i = (1 - e^-x_i) e^-(x_1 + ... + x_i-1), so dL/dx_i = light dL/dw_i - behind.
template <class F>
FASTCV_HD OneSampleGrads<F> sample_grads(F density, F start, F end, F weight, F by_weight, F light, F behind,
                                         F by_distance) {
  const F length = end - start, raw = light * by_weight - behind;
  const F by_optical = select(length > F{}, select(density * length < F{}, F{}, raw), F{});
  const F by_length = weighted(by_optical, density), shift = 0.5F * weighted(weight, by_distance);
  return {weighted(by_optical, length), shift - by_length, shift + by_length};
}

// A ray's samples. Offsets that make no sense are clipped, for a GPU cannot refuse them.
struct Span {
  std::int64_t begin, end;
};
FASTCV_HD std::int64_t clipped(std::int64_t x, std::int64_t low, std::int64_t high) {
  return x < low ? low : x > high ? high : x;
}
template <class T>
FASTCV_HD Span span_of(const nerf::RenderSamples<T>& samples, std::int64_t ray) {
  const std::int64_t begin = clipped(samples.offsets[ray], 0, samples.samples);
  return {begin, clipped(samples.offsets[ray + 1], begin, samples.samples)};
}

// Where a ray's samples end that were not left out: behind the last one of them too little light is left.
template <class T>
FASTCV_HD std::int64_t kept_end(const nerf::RenderSamples<T>& samples, const T* weights, T opacity, Span span) {
  std::int64_t end = span.end;
  if (!(T(1) - opacity < samples.early_stop)) return end;
  while (end > span.begin && weights[end - 1] == T(0)) --end;
  return end;
}

// The four uniform numbers from 4 * quad on.
struct RandomQuad {
  std::uint64_t seed;
  std::int64_t first, count;  // values
  float* out;

  FASTCV_HD void operator()(std::int64_t quad) const {
    constexpr std::uint64_t kStream = 0x6b636162;  // "back": other draws of the same seed are independent
    const std::int64_t place = first / 4 + quad;
    const Philox4 words = philox(seed, kStream, static_cast<std::uint64_t>(place));
    for (int k = 0; k < 4; ++k) {
      const std::int64_t i = 4 * place + k - first;
      if (i >= 0 && i < count) out[i] = static_cast<float>(words.v[k] >> 8) * 0x1p-24F;
    }
  }
  FASTCV_HD std::int64_t quads() const { return count == 0 ? 0 : (first + count + 3) / 4 - first / 4; }
};

}  // namespace fastcv::FASTCV_ISA
