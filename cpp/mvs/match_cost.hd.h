// SPDX-License-Identifier: Apache-2.0
// Matching cost of one pixel on one plane: from window sums to a source's cost, and from all sources to one cost.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/warp.hd.h"

namespace fastcv::FASTCV_ISA {

constexpr float kNoCost = __builtin_inff();

// Of a window's variance, in grey levels squared: less is no texture that could be matched. A reference window below it
// has no cost; a source window below it counts as having it, so that no rounding of samples decides between two costs.
constexpr float kMinVariance = 1;

// The sum of a window, split at an integer near its mean: count * mean + rest.
template <class F>
struct SplitSum {
  IntOf<F> sum, mean;
  F rest;
};
template <class F>
FASTCV_HD SplitSum<F> split_sum(F count, F inv_count, IntOf<F> sum) {
  const F s = to_float(sum);
  const IntOf<F> mean = to_int(s * inv_count);
  return {sum, mean, s - count * to_float(mean)};
}

// count^2 times a covariance, count * sum(a b) - sum(a) * sum(b). Both terms can be 10^4 times their difference, so the
// mean of b goes out while the sums are still integers.
template <class F>
FASTCV_HD F scatter(F count, IntOf<F> sum_products, IntOf<F> sum_a, const SplitSum<F>& b) {
  return count * to_float(sum_products - sum_a * b.mean) - to_float(sum_a) * b.rest;
}

// Of the reference's window around a pixel, clipped to the image.
template <class F>
struct ReferenceWindow {
  F count, inv_count;
  IntOf<F> sum;
  F inv_deviation;  // 1 / (count * standard deviation), 0 where there is no texture
};

// Exact where it decides: there every number is an integer below 2^24.
template <class F>
FASTCV_HD ReferenceWindow<F> reference_window(F count, IntOf<F> sum, IntOf<F> sum_squares) {
  const F inv_count = 1.0F / count;
  const SplitSum<F> s = split_sum(count, inv_count, sum);
  const F centered_squares = to_float(sum_squares - s.mean * (sum + to_int(s.rest)));
  const F variance = count * centered_squares - s.rest * s.rest;  // times count^2
  const auto textured = variance >= count * count * kMinVariance;
  return {count, inv_count, sum, select(textured, inverse_sqrt(select(textured, variance, F{} + 1.0F)), F{})};
}

// 1 - NCC in [0, 2]: 1 - cov(r, s) / (std(r) std(s)).
template <class F>
FASTCV_HD F ncc_cost(const ReferenceWindow<F>& r, IntOf<F> sum, IntOf<F> sum_squares, IntOf<F> sum_products) {
  constexpr float kMin = kMinVariance * float(1 << 2 * kNccBits);
  const auto counts = (sum < kNotSeen) & (r.inv_deviation > 0.0F);
  const SplitSum<F> s = split_sum(r.count, r.inv_count, select(counts, sum, IntOf<F>{}));
  const F variance = larger(scatter(r.count, sum_squares, s.sum, s), r.count * r.count * kMin);
  const F cost = 1.0F - scatter(r.count, sum_products, r.sum, s) * r.inv_deviation * inverse_sqrt(variance);
  return select(counts, smaller(larger(cost, F{}), F{} + 2.0F), F{} + kNoCost);
}

// What makes a sum of `count` SAD or gradient words a mean of intensities in [0, 1].
template <class F>
FASTCV_HD F sad_scale(F count, int channels) {
  return 1.0F / (count * float((255 << kSadBits) * channels));
}

// Mean over the window of SAD or gradient words.
template <class F>
FASTCV_HD F sad_cost(IntOf<F> sum, F scale) {
  return select(at_most_unsigned(sum, kSadNotSeen - 1), to_float(sum) * scale, F{} + kNoCost);
}

// Share of a window's neighbours that are darker than its centre in one image and not in the other. Source: Zabih &
// Woodfill 1994. highest: of the source's census words.
template <class F>
FASTCV_HD F census_cost(IntOf<F> num_differing, F inv_neighbors, IntOf<F> highest) {
  return select(highest < kCensusNotSeen, to_float(num_differing) * inv_neighbors, F{} + kNoCost);
}

// The costs of one pixel on one surface that count, in registers.
template <class F>
struct CostList {
  F costs[mvs::kMaxSources], weights[mvs::kMaxSources];
  FASTCV_HD F cost(int i) const { return costs[i]; }
  FASTCV_HD F weight(int i) const { return weights[i]; }
  FASTCV_HD void set_cost(int i, F cost) { costs[i] = cost; }
  FASTCV_HD void set_weight(int i, F weight) { weights[i] = weight; }
};

// Adds the cost of source k = 0, 1, ... to a list: all costs in order where all count, else the cheapest ones, sorted.
template <class F, class List>
FASTCV_HD void add_cost(const mvs::Sweep& s, int k, F cost, List& list) {
  if (s.num_best == s.num_sources) return list.set_cost(k, cost);
  F weight = F{} + s.sources[k].weight;
  const int filled = k < s.num_best ? k : s.num_best;
  MaskOf<F> inserted = cost < cost;  // the rest of the list moves up, also past equal costs: the first sources stay
  for (int i = 0; i < filled; ++i) {
    const F kept = list.cost(i);
    if (s.weighted) {
      inserted |= cost < kept;
      const F kept_weight = list.weight(i);
      list.set_weight(i, select(inserted, weight, kept_weight));
      weight = select(inserted, kept_weight, weight);
    }
    list.set_cost(i, smaller(kept, cost));
    cost = larger(kept, cost);
  }
  if (filled == s.num_best) return;
  list.set_cost(filled, cost);
  if (s.weighted) list.set_weight(filled, weight);
}

// Weighted mean over the sources that see the pixel: NaN where none does.
template <class F, class List>
FASTCV_HD F mean_cost(const mvs::Sweep& s, const List& list) {
  F sum{}, total{};
  for (int i = 0; i < s.num_best; ++i) {
    const F cost = list.cost(i);
    const auto counts = cost < kNoCost;
    F weight = F{} + 1.0F;
    if (s.weighted) weight = s.num_best == s.num_sources ? F{} + s.sources[i].weight : list.weight(i);
    sum = select(counts, sum + cost * weight, sum);
    total = select(counts, total + weight, total);
  }
  return sum / total;
}

template <class F>
FASTCV_HD IntOf<F> one_if_seen(F cost) {
  return select(cost < kNoCost, IntOf<F>{} + 1, IntOf<F>{});
}

}  // namespace fastcv::FASTCV_ISA
