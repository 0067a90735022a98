// SPDX-License-Identifier: Apache-2.0
// The exponential function for numbers that are not positive, bit for bit the same everywhere.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// x = n ln 2 + r with |r| <= ln 2 / 2, of x in [-87, 0]: n, and e^r - 1 to a relative 1e-7. Source: Cody & Waite 1980,
// Software Manual for the Elementary Functions, ch. 6, and Taylor's series to degree 7.
template <class F>
struct ReducedExp {
  IntOf<F> n;
  F expm1;
};
template <class F>
FASTCV_HD ReducedExp<F> reduced_exp(F x) {
  const IntOf<F> n = to_int(x * 1.44269504F - 0.5F);  // nearest to x / ln 2
  const F k = to_float(n), r = (x - k * 0.693359375F) + k * 2.12194440e-4F;
  F p = F{} + 1.0F / 5040.0F;
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  return {n, p * r};
}

// e^x to about 2e-7 for x <= 0, 0 below -87; some number for any other x, NaN too.
template <class F>
FASTCV_HD F exp_of_negative(F x) {
  const auto [n, e] = reduced_exp(smaller(larger(x, F{} - 87.0F), F{}));
  return select(x < F{} - 87.0F, F{}, (e + 1.0F) * from_bits((n + 127) << 23));
}

// 1 - e^-x to a relative 2e-7 for x >= 0, however small; NaN of NaN, some number of x < 0.
template <class F>
FASTCV_HD F one_minus_exp_of_minus(F x) {
  const auto [n, e] = reduced_exp(larger(F{} - x, F{} - 87.0F));
  const F power = from_bits((n + 127) << 23);
  return select(x == x, (1.0F - power) - power * e, x);
}

}  // namespace fastcv::FASTCV_ISA
