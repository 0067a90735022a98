// SPDX-License-Identifier: Apache-2.0
// The exponential function for numbers that are not positive, bit for bit the same everywhere.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// e^x to about 2e-7 for x <= 0, 0 below -87; some number for any other x, NaN too. Source: Cody & Waite 1980, Software
// Manual for the Elementary Functions, ch. 6 (reduction to +-ln 2 / 2), and Taylor's series to degree 7.
template <class F>
FASTCV_HD F exp_of_negative(F x) {
  const F clamped = smaller(larger(x, F{} - 87.0F), F{});
  const IntOf<F> n = to_int(clamped * 1.44269504F - 0.5F);  // nearest to x / ln 2
  const F k = to_float(n), r = (clamped - k * 0.693359375F) + k * 2.12194440e-4F;
  F p = F{} + 1.0F / 5040.0F;
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  return select(x < F{} - 87.0F, F{}, p * from_bits((n + 127) << 23));
}

}  // namespace fastcv::FASTCV_ISA
