// SPDX-License-Identifier: Apache-2.0
// A number together with its derivative along a direction, of one value or of a vector of them.
#pragma once

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

// value + slope e with e^2 = 0. Source: Griewank & Walther 2008, "Evaluating derivatives", section 3.1.
template <class F>
struct Along {
  F value, slope;
};
template <class F>
FASTCV_HD Along<F> operator+(const Along<F>& a, const Along<F>& b) {
  return {a.value + b.value, a.slope + b.slope};
}
template <class F>
FASTCV_HD Along<F> operator-(const Along<F>& a, const Along<F>& b) {
  return {a.value - b.value, a.slope - b.slope};
}
template <class F>
FASTCV_HD Along<F> operator*(const Along<F>& a, const Along<F>& b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope};
}
template <class F>
FASTCV_HD Along<F> operator*(const Along<F>& a, const F& constant) {
  return {a.value * constant, a.slope * constant};
}

// A formula is written once over W, which is F or Along<F>: what is asked for is its value, or its derivative.
template <class W>
struct Sought {
  using Real = W;
  FASTCV_HD static W constant(W value) { return value; }
  FASTCV_HD static W number(W value, W /*slope*/) { return value; }
  FASTCV_HD static W of(W number) { return number; }
};
template <class F>
struct Sought<Along<F>> {
  using Real = F;
  FASTCV_HD static Along<F> constant(F value) { return {value, F{}}; }
  FASTCV_HD static Along<F> number(F value, F slope) { return {value, slope}; }
  FASTCV_HD static F of(const Along<F>& number) { return number.slope; }
};

}  // namespace fastcv::FASTCV_ISA
