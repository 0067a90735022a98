// SPDX-License-Identifier: Apache-2.0
// Dual numbers value + slope ε with ε² = 0: a formula evaluated with them gives its derivative along one direction too.
// Source: Griewank & Walther 2008, "Evaluating derivatives", section 3.1.
#pragma once

#include <cmath>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

// Its functions are friends, found for its own sake alone: at namespace scope they would hide those for doubles.
struct Dual {
  double value, slope;

  FASTCV_HD constexpr Dual(double v = 0, double s = 0) : value(v), slope(s) {}

  FASTCV_HD friend Dual operator-(const Dual& a) { return {-a.value, -a.slope}; }
  FASTCV_HD friend Dual operator+(const Dual& a, const Dual& b) { return {a.value + b.value, a.slope + b.slope}; }
  FASTCV_HD friend Dual operator-(const Dual& a, const Dual& b) { return {a.value - b.value, a.slope - b.slope}; }
  FASTCV_HD friend Dual operator*(const Dual& a, const Dual& b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  FASTCV_HD friend Dual operator/(const Dual& a, const Dual& b) {
    const double inverse = 1 / b.value, ratio = a.value * inverse;
    return {ratio, (a.slope - ratio * b.slope) * inverse};
  }
  FASTCV_HD Dual& operator+=(const Dual& b) { return *this = *this + b; }
  FASTCV_HD Dual& operator-=(const Dual& b) { return *this = *this - b; }
  FASTCV_HD Dual& operator*=(const Dual& b) { return *this = *this * b; }

  // Branches follow the value.
  FASTCV_HD friend bool operator<(const Dual& a, const Dual& b) { return a.value < b.value; }
  FASTCV_HD friend bool operator>(const Dual& a, const Dual& b) { return a.value > b.value; }
  FASTCV_HD friend bool operator<=(const Dual& a, const Dual& b) { return a.value <= b.value; }
  FASTCV_HD friend bool operator>=(const Dual& a, const Dual& b) { return a.value >= b.value; }
  FASTCV_HD friend bool operator==(const Dual& a, const Dual& b) { return a.value == b.value; }

  FASTCV_HD friend Dual sqrt(const Dual& a) {
    const double root = std::sqrt(a.value);
    return {root, 0.5 * a.slope / root};
  }
  FASTCV_HD friend Dual sin(const Dual& a) { return {std::sin(a.value), std::cos(a.value) * a.slope}; }
  FASTCV_HD friend Dual cos(const Dual& a) { return {std::cos(a.value), -std::sin(a.value) * a.slope}; }
  FASTCV_HD friend Dual tan(const Dual& a) {
    const double tangent = std::tan(a.value);
    return {tangent, (1 + tangent * tangent) * a.slope};
  }
  FASTCV_HD friend Dual atan2(const Dual& y, const Dual& x) {
    const double squared = x.value * x.value + y.value * y.value;
    return {std::atan2(y.value, x.value), (y.slope * x.value - x.slope * y.value) / squared};
  }
  FASTCV_HD friend Dual floor(const Dual& a) { return {std::floor(a.value), 0}; }
};

}  // namespace fastcv::FASTCV_ISA
