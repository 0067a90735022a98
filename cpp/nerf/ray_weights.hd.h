// SPDX-License-Identifier: Apache-2.0
// The distortion and the median depth of one ray.
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "nerf/ray_weights.h"

namespace fastcv::FASTCV_ISA {

template <class T>
struct WeightedRay {
  nerf::WeightedSamples<T> samples;
  std::int64_t begin, end;

  // Offsets that make no sense are clipped, for a GPU cannot refuse them.
  FASTCV_HD WeightedRay(const nerf::WeightedSamples<T>& all, std::int64_t ray) : samples(all) {
    begin = clip(all.offsets[ray], 0);
    end = clip(all.offsets[ray + 1], begin);
  }
  FASTCV_HD std::int64_t clip(std::int64_t x, std::int64_t low) const {
    return x < low ? low : x > samples.samples ? samples.samples : x;
  }
  FASTCV_HD double weight(std::int64_t i) const { return samples.weights[i]; }
  FASTCV_HD double length(std::int64_t i) const { return double(samples.ends[i]) - double(samples.starts[i]); }
  FASTCV_HD double middle(std::int64_t i) const { return 0.5 * (double(samples.starts[i]) + double(samples.ends[i])); }
};

// sum_ij w_i w_j |m_i - m_j| + 1/3 sum_i w_i² length_i with running sums of w and w m. Source: Sun et al. 2022,
// "Improved direct voxel grid optimization for radiance fields reconstruction", section 3.
template <class T>
struct Distortion {
  nerf::WeightedSamples<T> samples;
  T* out;

  FASTCV_HD void operator()(std::int64_t r) const {
    const WeightedRay<T> ray(samples, r);
    double before = 0, moment = 0, sum = 0;
    for (std::int64_t i = ray.begin; i < ray.end; ++i) {
      const double w = ray.weight(i), m = ray.middle(i);
      sum += w * (2 * (m * before - moment) + w * ray.length(i) / 3);
      before += w;
      moment += w * m;
    }
    out[r] = static_cast<T>(sum);
  }
};

template <class T>
struct DistortionVjp {
  nerf::WeightedSamples<T> samples;
  const T* grad;
  T *by_weights, *by_starts, *by_ends;

  FASTCV_HD void operator()(std::int64_t r) const {
    const WeightedRay<T> ray(samples, r);
    double all = 0, all_moments = 0, before = 0, moment = 0;
    for (std::int64_t i = ray.begin; i < ray.end; ++i) {
      all += ray.weight(i);
      all_moments += ray.weight(i) * ray.middle(i);
    }
    const double g = grad[r];
    for (std::int64_t i = ray.begin; i < ray.end; ++i) {
      const double w = ray.weight(i), m = ray.middle(i);
      const double excess = 2 * before + w - all, moments = 2 * moment + w * m - all_moments;  // in front less behind
      by_weights[i] = static_cast<T>(g * 2 * (m * excess - moments + w * ray.length(i) / 3));
      const double by_middle = w * excess, by_length = w * w / 3;
      if (by_starts != nullptr) by_starts[i] = static_cast<T>(g * (by_middle - by_length));
      if (by_ends != nullptr) by_ends[i] = static_cast<T>(g * (by_middle + by_length));
      before += w;
      moment += w * m;
    }
  }
};

// Light falls exponentially within a sample.
template <class T>
struct MedianDepth {
  nerf::WeightedSamples<T> samples;
  T* out;

  FASTCV_HD void operator()(std::int64_t r) const {
    const WeightedRay<T> ray(samples, r);
    double light = 1;
    for (std::int64_t i = ray.begin; i < ray.end; ++i) {
      const double after = light - ray.weight(i);
      if (after <= 0.5) {
        const double part = after > 0 ? log(2 * light) / log(light / after) : 0.0;
        out[r] = static_cast<T>(double(samples.starts[i]) + part * ray.length(i));
        return;
      }
      light = after;
    }
    out[r] = 0;
  }
};

}  // namespace fastcv::FASTCV_ISA
