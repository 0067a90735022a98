// SPDX-License-Identifier: Apache-2.0
// The linear fit of costs by a guide in one window (or vector of windows). Source: He, Sun, Tang 2013, "Guided image
// filtering", eq. 5-8 and 14-16, with weights 0 for what has no cost; Hosni et al. 2013 for its use on costs.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// Elements of a symmetric matrix: the diagonal, then (1, 0), (2, 0), (2, 1).
template <int Channels>
constexpr int kGuidedFactors = Channels == 1 ? 1 : 6;
FASTCV_HD int factor_row(int f) { return f < 3 ? f : f == 3 ? 1 : 2; }
FASTCV_HD int factor_column(int f) { return f < 3 ? f : f == 5 ? 1 : 0; }

// What a window knows of the guide: 1 / number of pixels, means, and the covariance + epsilon as L D L^T, of which the
// factors are 1 / D and L below the diagonal.
template <class F, int Channels>
struct GuidedWindow {
  F inverse_count, mean[Channels], factors[kGuidedFactors<Channels>];

  // Before, all of it are sums over the window; then this makes of them what the names say.
  FASTCV_HD void fit(float epsilon) {
    inverse_count = 1.0F / larger(inverse_count, F{} + 1.0F);
    for (int c = 0; c < Channels; ++c) mean[c] = mean[c] * inverse_count;
    for (int f = 0; f < kGuidedFactors<Channels>; ++f) {
      const int i = factor_row(f), j = factor_column(f);
      factors[f] = factors[f] * inverse_count - mean[i] * mean[j];
      if (i == j) factors[f] = larger(factors[f], F{}) + epsilon;
    }
    factorize(0.5F * epsilon);
  }

  // From the sum of costs and those of costs times guide to the fit b + a . guide; returns b.
  FASTCV_HD F regress(F sum, F* a) const {
    const F mean_cost = sum * inverse_count;
    for (int c = 0; c < Channels; ++c) a[c] = a[c] * inverse_count - mean[c] * mean_cost;
    solve(a);
    F b = mean_cost;
    for (int c = 0; c < Channels; ++c) b = b - a[c] * mean[c];
    return b;
  }

 private:
  // Pivots are epsilon or more but for rounding. Source: Golub & Van Loan 2013, sec. 4.1.2.
  FASTCV_HD void factorize(float least) {
    F* v = factors;
    v[0] = 1.0F / v[0];
    if constexpr (Channels == 3) {
      const F m10 = v[3], m20 = v[4];
      v[3] = m10 * v[0];
      v[4] = m20 * v[0];
      v[1] = 1.0F / larger(v[1] - v[3] * m10, F{} + least);
      const F m21 = v[5] - v[4] * m10;
      v[5] = m21 * v[1];
      v[2] = 1.0F / larger(v[2] - v[4] * m20 - v[5] * m21, F{} + least);
    }
  }
  FASTCV_HD void solve(F* a) const {
    if constexpr (Channels == 3) {
      a[1] = a[1] - factors[3] * a[0];
      a[2] = a[2] - (factors[4] * a[0] + factors[5] * a[1]);
    }
    for (int c = 0; c < Channels; ++c) a[c] = a[c] * factors[c];
    if constexpr (Channels == 3) {
      a[1] = a[1] - factors[5] * a[2];
      a[0] = a[0] - (factors[3] * a[1] + factors[4] * a[2]);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
