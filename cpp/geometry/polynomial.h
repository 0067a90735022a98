// SPDX-License-Identifier: Apache-2.0
// Real roots of polynomials: closed form for degree two and three, Sturm chains for any degree.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace fastcv::geometry {

// Real roots of a x² + b x + c without cancellation; returns their number. A double root counts twice.
inline int solve_quadratic(double a, double b, double c, double* roots) {
  const double discriminant = b * b - 4.0 * a * c;
  if (!(discriminant >= 0.0)) return 0;
  const double q = -0.5 * (b + std::copysign(std::sqrt(discriminant), b));
  int n = 0;
  if (a != 0.0) roots[n++] = q / a;
  if (q != 0.0) roots[n++] = c / q;
  return n;
}

// Real roots of c[0] + c[1] x + c[2] x² + c[3] x³, polished by Newton; returns their number.
inline int solve_cubic(const double* c, double* roots) {
  const double scale = std::max({std::abs(c[0]), std::abs(c[1]), std::abs(c[2])});
  if (std::abs(c[3]) <= 1e-14 * scale) return solve_quadratic(c[2], c[1], c[0], roots);
  const double a = c[2] / c[3], b = c[1] / c[3], d = c[0] / c[3];
  const double q = (a * a - 3.0 * b) / 9.0, r = (2.0 * a * a * a - 9.0 * a * b + 27.0 * d) / 54.0;
  int n = 0;
  if (r * r < q * q * q) {  // three real roots: Viète's trigonometric form
    const double angle = std::acos(std::clamp(r / std::sqrt(q * q * q), -1.0, 1.0));
    for (int k = -1; k <= 1; ++k) {
      roots[n++] = -2.0 * std::sqrt(q) * std::cos((angle + 2.0 * std::numbers::pi * k) / 3.0) - a / 3.0;
    }
  } else {  // one: Cardano's
    const double s = -std::copysign(std::cbrt(std::abs(r) + std::sqrt(r * r - q * q * q)), r);
    roots[n++] = (s + (s != 0.0 ? q / s : 0.0)) - a / 3.0;
  }
  for (int k = 0; k < n; ++k) {
    for (int step = 0; step < 2; ++step) {
      const double x = roots[k];
      const double slope = b + x * (2.0 * a + 3.0 * x);
      if (slope != 0.0) roots[k] = x - (d + x * (b + x * (a + x))) / slope;
    }
  }
  return n;
}

// Real roots of a polynomial of degree N by bisection with a Sturm chain, then safeguarded Newton. The chain is kept as
// linear quotients, which makes an evaluation cost 2 N products. Nistér 2004, "An efficient solution to the five-point
// relative pose problem", section 3.2.3.
template <int N>
class SturmSolver {
 public:
  // c[k] belongs to x^k. Returns the number of real roots, ascending.
  int solve(const double* c, double* roots) {
    if (!build(c)) return 0;
    double bound = 0.0;  // Cauchy's
    for (int k = 0; k < N; ++k) bound = std::max(bound, std::abs(monic_[k]));
    bound = std::min(bound + 1.0, 1e12);
    const int low_changes = sign_changes(-bound), high_changes = sign_changes(bound);
    for (double closer = 8.0; closer < bound; closer *= 8.0) {  // most polynomials have far smaller roots
      if (sign_changes(-closer) == low_changes && sign_changes(closer) == high_changes) bound = closer;
    }
    count_ = 0;
    roots_ = roots;
    isolate(-bound, bound, low_changes, high_changes, 0);
    return count_;
  }

 private:
  struct Value {
    double value, slope;
  };

  // p[k-1] = (slope x + offset) p[k] - scale p[k+1], each p[k] scaled to leading coefficient ±1.
  bool build(const double* c) {
    double high[N + 1], low[N + 1];
    for (int k = 0; k <= N; ++k) monic_[k] = high[k] = c[k] / c[N];
    if (!std::isfinite(monic_[0] + monic_[N - 1])) return false;
    for (int k = 0; k < N; ++k) low[k] = (k + 1) * high[k + 1] / N;
    for (int degree = N, level = 0; degree >= 1; --degree, ++level) {
      Quotient& quotient = quotients_[level];
      quotient.slope = high[degree] / low[degree - 1];
      quotient.offset = (high[degree - 1] - quotient.slope * (degree >= 2 ? low[degree - 2] : 0.0)) / low[degree - 1];
      double remainder[N + 1] = {};
      for (int k = 0; k <= degree - 2; ++k) {
        remainder[k] = quotient.offset * low[k] + quotient.slope * (k > 0 ? low[k - 1] : 0.0) - high[k];
      }
      if (degree == 1) break;
      quotient.scale = std::abs(remainder[degree - 2]);
      const double inv_scale = 1.0 / quotient.scale;
      if (!std::isfinite(inv_scale)) return false;  // repeated roots, or not of degree N
      for (int k = 0; k < degree; ++k) high[k] = low[k];
      for (int k = 0; k <= degree - 2; ++k) low[k] = remainder[k] * inv_scale;
    }
    last_ = low[0];
    return true;
  }

  int sign_changes(double x) const {
    double next = 0.0, current = last_;
    int changes = 0;
    for (int level = N - 1; level >= 0; --level) {
      const Quotient& quotient = quotients_[level];
      const double previous = (quotient.slope * x + quotient.offset) * current - quotient.scale * next;
      changes += (previous < 0.0) != (current < 0.0);
      next = current;
      current = previous;
    }
    return changes;
  }

  Value evaluate(double x) const {
    Value v{monic_[N], 0.0};
    for (int k = N - 1; k >= 0; --k) {
      v.slope = v.slope * x + v.value;
      v.value = v.value * x + monic_[k];
    }
    return v;
  }

  void isolate(double low, double high, int changes_low, int changes_high, int depth) {
    const int found = changes_low - changes_high;
    if (found <= 0 || count_ + found > N) return;
    if (found == 1) {
      roots_[count_++] = refine(low, high);
      return;
    }
    if (depth == 60) {  // a cluster that doubles cannot tell apart
      roots_[count_++] = 0.5 * (low + high);
      return;
    }
    const double middle = 0.5 * (low + high);
    const int changes = sign_changes(middle);
    isolate(low, middle, changes_low, changes, depth + 1);
    isolate(middle, high, changes, changes_high, depth + 1);
  }

  // Newton inside the bracket; bisection where a step would leave it or does not halve the step before.
  double refine(double low, double high) const {
    const bool low_negative = evaluate(low).value < 0.0;
    double x = 0.5 * (low + high), last_step = high - low;
    for (int iteration = 0; iteration < 100; ++iteration) {
      const Value v = evaluate(x);
      ((v.value < 0.0) == low_negative ? low : high) = x;
      double step = -v.value / v.slope;
      if (!(x + step > low && x + step < high && std::abs(step) < 0.5 * last_step)) step = 0.5 * (low + high) - x;
      x += step;
      last_step = std::abs(step);
      if (last_step <= 1e-15 * std::abs(x)) break;
    }
    return x;
  }

  struct Quotient {
    double slope, offset, scale = 0.0;
  };
  std::array<double, N + 1> monic_;
  std::array<Quotient, N> quotients_;
  double last_;
  double* roots_;
  int count_;
};

}  // namespace fastcv::geometry
