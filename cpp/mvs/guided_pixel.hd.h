// SPDX-License-Identifier: Apache-2.0
// The guided filter of one surface, pixel by pixel, as GPUs do it: sums along rows, along columns, and both once more.
#pragma once

#include "mvs/guided_costs.h"
#include "mvs/guided_window.hd.h"
#include "mvs/sums_by_doubling.hd.h"

namespace fastcv::FASTCV_ISA {

// get(0) + ... + get(n - 1)
template <class Get>
FASTCV_HD float window_sum(int n, const Get& get) {
  float values[2 * mvs::kMaxGuidedRadius + 1], sum = 0.0F;
  for (int i = 0; i < n; ++i) values[i] = get(i);
  sums_by_doubling(
      1, n, 1, [&](std::int64_t i) { return values[i]; }, [&](std::int64_t i, float value) { values[i] = value; },
      [&](std::int64_t) { return sum; }, [&](std::int64_t, float value) { sum = value; });
  return sum;
}

// Call every step for all pixels before the next one.
template <int Channels>
struct GuidedSurface {
  static constexpr int kFactors = kGuidedFactors<Channels>;
  static constexpr int kFirst = 2 + 2 * Channels + kFactors, kSecond = 2 + Channels;
  static constexpr int kPlanes = kFirst + 2 * kSecond;  // of scratch

  mvs::GuidedCosts in;
  std::int64_t surface;
  float* scratch;  // (kPlanes, height, width)
  View<float, 3> out;

  FASTCV_HD std::int64_t pixels() const { return in.costs.shape[1] * in.costs.shape[2]; }
  FASTCV_HD float* first(int q) const { return scratch + q * pixels(); }
  FASTCV_HD float* second(int q) const { return first(kFirst + q); }
  FASTCV_HD float* third(int q) const { return second(kSecond + q); }

  FASTCV_HD float row_sum(std::int64_t i, const float* plane) const {
    const std::int64_t width = in.costs.shape[2], x = i % width - in.radius;
    return window_sum(2 * in.radius + 1,
                      [&](int j) { return x + j >= 0 && x + j < width ? plane[i - in.radius + j] : 0.0F; });
  }
  FASTCV_HD float column_sum(std::int64_t i, const float* plane) const {
    const std::int64_t width = in.costs.shape[2], y = i / width - in.radius;
    return window_sum(2 * in.radius + 1, [&](int j) {
      return y + j >= 0 && y + j < in.costs.shape[1] ? plane[i + (j - in.radius) * width] : 0.0F;
    });
  }

  // What is summed: weight; weight times guide; times guide once more; cost; cost times guide.
  FASTCV_HD float summand(int q, std::int64_t i) const {
    const float cost = in.costs.data[surface * pixels() + i];
    const bool seen = cost - cost == 0.0F;
    const float weight = seen ? 1.0F : 0.0F;
    const auto guide = [&](int c) { return in.guide.data[c * pixels() + i]; };
    if (q == 0) return weight;
    if (q <= Channels) return weight * guide(q - 1);
    q -= 1 + Channels;
    if (q < kFactors) return weight * guide(factor_row(q)) * guide(factor_column(q));
    q -= kFactors;
    const float counted = seen ? cost : 0.0F;
    return q == 0 ? counted : counted * guide(q - 1);
  }
  FASTCV_HD void sum_rows(std::int64_t i) const {
    const std::int64_t width = in.costs.shape[2], x = i % width - in.radius;
    for (int q = 0; q < kFirst; ++q) {
      first(q)[i] = window_sum(
          2 * in.radius + 1, [&](int j) { return x + j >= 0 && x + j < width ? summand(q, i - in.radius + j) : 0.0F; });
    }
  }
  FASTCV_HD void fit(std::int64_t i) const {
    int q = 0;
    GuidedWindow<float, Channels> window;
    const float count = column_sum(i, first(q++));
    window.inverse_count = count;
    for (float& mean : window.mean) mean = column_sum(i, first(q++));
    for (float& factor : window.factors) factor = column_sum(i, first(q++));
    window.fit(in.epsilon);
    const float sum = column_sum(i, first(q++));
    float a[Channels];
    for (float& slope : a) slope = column_sum(i, first(q++));
    second(0)[i] = count > 0.0F ? 1.0F : 0.0F;
    second(1)[i] = window.regress(sum, a);
    for (int c = 0; c < Channels; ++c) second(2 + c)[i] = a[c];
  }
  FASTCV_HD void sum_fits(std::int64_t i) const {
    for (int q = 0; q < kSecond; ++q) third(q)[i] = row_sum(i, second(q));
  }
  FASTCV_HD void finish(std::int64_t i) const {
    const float inverse_windows = 1.0F / larger(column_sum(i, third(0)), 1.0F);
    float value = column_sum(i, third(1));
    for (int c = 0; c < Channels; ++c) value = value + column_sum(i, third(2 + c)) * in.guide.data[c * pixels() + i];
    const float cost = in.costs.data[surface * pixels() + i];
    out.data[surface * pixels() + i] = cost - cost == 0.0F ? value * inverse_windows : __builtin_nanf("");
  }
};

}  // namespace fastcv::FASTCV_ISA
