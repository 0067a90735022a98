// SPDX-License-Identifier: Apache-2.0
// Volume rendering of one ray, sample after sample: for double precision, and on a GPU for rays of few samples.
#pragma once

#include "nerf/render.hd.h"

namespace fastcv::FASTCV_ISA {

template <class T>
struct RenderRay {
  nerf::RenderSamples<T> samples;
  nerf::RenderedRays<T> out;

  FASTCV_HD void operator()(std::int64_t ray) const {
    const Span span = span_of(samples, ray);
    T opacity = 0, distance = 0;
    std::int64_t i = span.begin;
    for (; i < span.end && !(T(1) - opacity < samples.early_stop); ++i) {
      const T start = samples.starts[i], end = samples.ends[i];
      const T alpha = opacity_of(optical_depth(samples.densities[i], end - start));
      const T weight = (T(1) - opacity) * alpha;
      opacity = over(opacity, alpha);
      distance += weighted(weight, middle(start, end));
      out.weights[i] = weight;
    }
    for (std::int64_t j = i; j < span.end; ++j) out.weights[j] = 0;
    out.opacities[ray] = opacity;
    out.depths[ray] = distance / (opacity < T(nerf::kLeastOpacity) ? T(nerf::kLeastOpacity) : opacity);
    for (std::int64_t c = 0; c < samples.channels; ++c) {
      const std::int64_t at = ray * samples.channels + c;
      T sum = 0;
      for (std::int64_t j = span.begin; j < i; ++j) {
        sum += weighted(out.weights[j], samples.colors[j * samples.channels + c]);
      }
      out.colors[at] = samples.backgrounds == nullptr ? sum : sum + (T(1) - opacity) * samples.backgrounds[at];
    }
  }
};

template <class T>
struct RenderRayVjp {
  nerf::RenderSamples<T> samples;
  nerf::RenderedRays<const T> rendered;
  nerf::RenderedGrads<T> grads;
  nerf::SampleGrads<T> out;

  FASTCV_HD void operator()(std::int64_t ray) const {
    const Span span = span_of(samples, ray);
    const std::int64_t kept = kept_end(samples, rendered.weights, rendered.opacities[ray], span);
    const RayGrads<T> whole = ray_grads(samples, rendered, grads, ray);
    T light = T(1) - rendered.opacities[ray], behind = whole.behind;
    for (std::int64_t i = span.end; i-- > span.begin;) {
      const T weight = rendered.weights[i];
      if (out.colors != nullptr) by_colors(ray, i, weight);
      if (i >= kept) {
        store(i, {0, 0, 0});
        continue;
      }
      const T start = samples.starts[i], end = samples.ends[i], by_weight = by_weight_of(ray, i, start, end, whole);
      store(i, sample_grads(samples.densities[i], start, end, weight, by_weight, light, behind, whole.by_distance));
      light += weight;
      behind += weighted(weight, by_weight);
    }
    if (out.backgrounds == nullptr) return;
    for (std::int64_t c = 0; c < samples.channels; ++c) by_background(ray, c);
  }

  FASTCV_HD T by_weight_of(std::int64_t ray, std::int64_t i, T start, T end, const RayGrads<T>& whole) const {
    T by_weight = grads.weights == nullptr ? T(0) : grads.weights[i];
    by_weight += weighted(whole.by_distance, middle(start, end));
    for (std::int64_t c = 0; grads.colors != nullptr && c < samples.channels; ++c) {
      by_weight += samples.colors[i * samples.channels + c] * grads.colors[ray * samples.channels + c];
    }
    return by_weight;
  }
  FASTCV_HD void by_colors(std::int64_t ray, std::int64_t i, T weight) const {
    for (std::int64_t c = 0; c < samples.channels; ++c) {
      const T by_color = grads.colors == nullptr ? T(0) : grads.colors[ray * samples.channels + c];
      out.colors[i * samples.channels + c] = weighted(weight, by_color);
    }
  }
  FASTCV_HD void by_background(std::int64_t ray, std::int64_t channel) const {
    const std::int64_t at = ray * samples.channels + channel;
    out.backgrounds[at] = grads.colors == nullptr ? T(0) : (T(1) - rendered.opacities[ray]) * grads.colors[at];
  }
  FASTCV_HD void store(std::int64_t i, const OneSampleGrads<T>& grad) const {
    out.densities[i] = grad.density;
    if (out.starts != nullptr) out.starts[i] = grad.start;
    if (out.ends != nullptr) out.ends[i] = grad.end;
  }
};

}  // namespace fastcv::FASTCV_ISA
