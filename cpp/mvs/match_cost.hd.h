// SPDX-License-Identifier: Apache-2.0
// Matching cost of one pixel on one plane: from window sums to a source's cost, and from all sources to one cost.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/warp.hd.h"

namespace fastcv::FASTCV_ISA {

constexpr float kNoCost = __builtin_inff();

// A window with a standard deviation below one grey level has no texture that could be matched.
constexpr float kMinVariance = float(kUnitsPerLevel * kUnitsPerLevel);

// Of the reference's window around a pixel, clipped to the image.
template <class F>
struct ReferenceWindow {
  F count, sum;
  F inv_deviation;  // 1 / (count * standard deviation), 0 where there is no texture
};

template <class F>
FASTCV_HD ReferenceWindow<F> reference_window(F count, IntOf<F> sum, IntOf<F> sum_squares) {
  const F s = to_float(sum), scatter = count * to_float(sum_squares) - s * s;  // count^2 variance
  const auto textured = scatter >= count * count * kMinVariance;
  return {count, s, select(textured, inverse_sqrt(select(textured, scatter, F{} + 1.0F)), F{})};
}

// 1 - NCC in [0, 2]: 1 - cov(r, s) / (std(r) std(s)). A source window without texture correlates with nothing: 1.
// Centred samples keep the cancellation in count * sum(s^2) - sum(s)^2 below 0.2 % at the least texture that counts.
template <class F>
FASTCV_HD F ncc_cost(const ReferenceWindow<F>& r, IntOf<F> sum, IntOf<F> sum_squares, IntOf<F> sum_products) {
  const F s = to_float(sum);
  const F scatter = r.count * to_float(sum_squares) - s * s;
  const F covariance = r.count * to_float(sum_products) - r.sum * s;
  const auto textured = scatter >= r.count * r.count * kMinVariance;
  const F inv_deviation = select(textured, inverse_sqrt(select(textured, scatter, F{} + 1.0F)), F{});
  const F cost = 1.0F - covariance * r.inv_deviation * inv_deviation;
  const F clamped = smaller(larger(cost, F{}), F{} + 2.0F);
  return select((sum < kNotSeen) & (r.inv_deviation > 0.0F), clamped, F{} + kNoCost);
}

// Mean absolute difference over window and channels, intensities in [0, 1]; scale = 1 / (samples * 255 * 4).
template <class F>
FASTCV_HD F sad_cost(IntOf<F> sum, F scale) {
  return select((sum >= 0) & (sum < kSadNotSeen), to_float(sum) * scale, F{} + kNoCost);
}

// The costs of one pixel on one plane that count, in registers.
template <class F>
struct CostList {
  F costs[mvs::kMaxSources];
  FASTCV_HD F get(int i) const { return costs[i]; }
  FASTCV_HD void set(int i, F cost) { costs[i] = cost; }
};

// Adds the cost of source k = 0, 1, ... to a list: all costs in order where all count, else the cheapest ones, sorted.
template <class F, class List>
FASTCV_HD void add_cost(const mvs::Sweep& s, int k, F cost, List& list) {
  if (s.num_best == s.num_sources) return list.set(k, cost);
  const int filled = k < s.num_best ? k : s.num_best;
  for (int i = 0; i < filled; ++i) {
    const F kept = list.get(i);
    list.set(i, smaller(kept, cost));
    cost = larger(kept, cost);
  }
  if (filled < s.num_best) list.set(filled, cost);
}

// Mean over the sources that see the pixel: NaN where none does.
template <class F, class List>
FASTCV_HD F mean_cost(const mvs::Sweep& s, const List& list) {
  F sum{}, count{};
  for (int i = 0; i < s.num_best; ++i) {
    const F cost = list.get(i);
    sum += select(cost < kNoCost, cost, F{});
    count += select(cost < kNoCost, F{} + 1.0F, F{});
  }
  return sum / count;
}

}  // namespace fastcv::FASTCV_ISA
