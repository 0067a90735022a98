// SPDX-License-Identifier: Apache-2.0
// Soft-argmin of one pixel (or vector of pixels) over surfaces that arrive one after the other, and its gradient.
#pragma once

#include "core/exp.hd.h"
#include "mvs/hypotheses.hd.h"
#include "mvs/soft_argmin.h"

namespace fastcv::FASTCV_ISA {

// Whether a surface counts: its cost is finite, and it is in front of the camera.
template <class F>
FASTCV_HD auto counts(F cost, F inverse_depth) {
  return (cost - cost == F{}) & (inverse_depth == inverse_depth);
}

// Mean and spread of inverse depth with weights exp(-cost / temperature), in one pass: weights are relative to the
// lowest cost so far. Source: West 1979, "Updating mean and variance estimates", for weights that are rescaled.
template <class F>
struct SoftMean {
  F lowest = F{} + __builtin_inff();
  F weight = F{}, mean = F{}, spread = F{};  // sum of weights; of inverse depth; weight times its variance

  FASTCV_HD void add(F cost, F inverse_depth, float sharpness) {
    const auto seen = counts(cost, inverse_depth);
    const auto closer = seen & (cost < lowest);
    const F decay = exp_of_negative<F>(select(closer, cost - lowest, lowest - cost) * sharpness);
    const F scale = select(closer, decay, F{} + 1.0F);
    const F e = select(closer, F{} + 1.0F, select(seen, decay, F{}));
    lowest = select(closer, cost, lowest);
    const F rest = weight * scale;
    weight = rest + e;
    const F share = select(seen, e / weight, F{});
    const F off = select(seen, inverse_depth - mean, F{});
    mean = mean + off * share;
    spread = spread * scale + rest * share * (off * off);
  }
};

struct SoftPixel {
  float depth, uncertainty;
};

// To first order, inverse depth 1 / z off by dw is depth off by z^2 dw.
FASTCV_HD SoftPixel finish_soft(const SoftMean<float>& m) {
  if (!(m.weight > 0.0F)) return {0.0F, __builtin_inff()};
  const float depth = 1.0F / m.mean;
  return {depth, __builtin_sqrtf(m.spread / m.weight) * depth * depth};
}

// The gradient by every cost of a pixel (or vector of pixels): p (by_mean (w - mean) + by_variance ((w - mean)^2 -
// variance)) for the cost of a surface at inverse depth w with probability p.
template <class F>
struct SoftGrad {
  F lowest, inverse_weight, mean, variance, by_mean, by_variance;

  FASTCV_HD F operator()(F cost, F inverse_depth, float sharpness) const {
    const auto seen = counts(cost, inverse_depth);
    const F p = exp_of_negative<F>((lowest - cost) * sharpness) * inverse_weight;
    const F off = inverse_depth - mean;
    return select(seen, p * (by_mean * off + by_variance * (off * off - variance)), F{});
  }
};

// d depth / d mean = -depth^2; uncertainty = sqrt(variance) depth^2; d mean / d cost = -sharpness p (w - mean), and
// d variance / d cost = -sharpness p ((w - mean)^2 - variance).
FASTCV_HD SoftGrad<float> soft_grad(const SoftMean<float>& m, float grad_depth, float grad_uncertainty,
                                    float sharpness) {
  if (!(m.weight > 0.0F)) return {0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F};
  const float z = 1.0F / m.mean, variance = m.spread / m.weight, deviation = __builtin_sqrtf(variance);
  const float by_mean = -z * z * (grad_depth + 2.0F * deviation * z * grad_uncertainty);
  const float by_variance = deviation > 0.0F ? 0.5F * z * z / deviation * grad_uncertainty : 0.0F;
  return {m.lowest, 1.0F / m.weight, m.mean, variance, -sharpness * by_mean, -sharpness * by_variance};
}

// All of one pixel, as GPUs do it. i: pixel.
struct SoftArgminPixel {
  mvs::SoftCosts s;

  FASTCV_HD float inverse_depth_at(std::int64_t k, std::int64_t i) const {
    const std::int64_t height = s.costs.shape[1], width = s.costs.shape[2];
    return inverse_depth(s.hypotheses, k, height, width, i % width, i / width);
  }
  FASTCV_HD SoftMean<float> mean(std::int64_t i) const {
    const std::int64_t pixels = s.costs.shape[1] * s.costs.shape[2];
    SoftMean<float> m;
    for (std::int64_t k = 0; k < s.costs.shape[0]; ++k) {
      m.add(s.costs.data[k * pixels + i], inverse_depth_at(k, i), s.sharpness);
    }
    return m;
  }
  FASTCV_HD void write(const mvs::SoftDepth& out, std::int64_t i) const {
    const SoftPixel pixel = finish_soft(mean(i));
    out.depth.data[i] = pixel.depth;
    out.uncertainty.data[i] = pixel.uncertainty;
  }
  FASTCV_HD void write_vjp(const mvs::SoftDepthGrad& grad, View<float, 3> out, std::int64_t i) const {
    const std::int64_t pixels = s.costs.shape[1] * s.costs.shape[2];
    const auto one = soft_grad(mean(i), grad.depth.data[i], grad.uncertainty.data[i], s.sharpness);
    for (std::int64_t k = 0; k < s.costs.shape[0]; ++k) {
      out.data[k * pixels + i] = one(s.costs.data[k * pixels + i], inverse_depth_at(k, i), s.sharpness);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
