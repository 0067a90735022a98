// SPDX-License-Identifier: Apache-2.0
// One point of the resident solver: its blocks, its damping, and a step of its own.
#pragma once

#include "ba/point_block.hd.h"
#include "ba/resident_equations.hd.h"

namespace fastcv::FASTCV_ISA::ba {

struct PointSums {
  double hessian[6], gradient[3], cost;
};

// Over the observations of point p, whose shift columns lie `stride` apart, and its priors.
FASTCV_HD PointSums point_sums(const ResidentEquations& e, const Column* shifts, int stride, const double* points,
                               std::int64_t p) {
  PointSums s{};
  for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
    const Column* b = shifts + k * stride;
    const double r0 = e.weighted[2 * k], r1 = e.weighted[2 * k + 1];
    const double x[3] = {b[0].x, b[1].x, b[2].x}, y[3] = {b[0].y, b[1].y, b[2].y};
    for (int r = 0, entry = 0; r < 3; ++r) {
      for (int c = r; c < 3; ++c) s.hessian[entry++] += x[r] * x[c] + y[r] * y[c];
      s.gradient[r] -= x[r] * r0 + y[r] * r1;
    }
    s.cost += e.costs[k];
  }
  if (e.point_priors_begin) {
    for (std::int64_t i = e.point_priors_begin[p]; i < e.point_priors_begin[p + 1]; ++i) {
      s.cost += add_point_prior(e.point_priors, i, points + 3 * p, s.hessian, s.gradient);
    }
  }
  return s;
}

// As a term of a sum: the cost.
struct PointBlocks {
  ResidentEquations e;
  const double* points;
  FASTCV_HD double operator()(std::int64_t p) const {
    const PointSums s = point_sums(e, e.jacobian + kShiftColumn, e.columns, points, p);
    for (int i = 0; i < 6; ++i) e.point_hessian[6 * p + i] = s.hessian[i];
    for (int i = 0; i < 3; ++i) e.point_gradient[3 * p + i] = s.gradient[i];
    return s.cost;
  }
};

// The damped inverse, and the point's step with the images held, with the other sign.
struct DampPoint {
  ResidentEquations e;
  double lambda;
  double* steps;
  FASTCV_HD void operator()(std::int64_t p) const {
    double* inverse = e.point_inverse + 6 * p;
    invert_damped(e.point_hessian + 6 * p, lambda, inverse);
    for (int i = 0; i < 6; ++i) inverse[i] = e.point_free[p] ? inverse[i] : 0;
    multiply_symmetric(inverse, e.point_gradient + 3 * p, steps + 3 * p);
  }
};

// Where one Gauss-Newton step of a point on its own leads, cameras fixed.
struct RefinePoint {
  ResidentEquations e;
  double lambda;
  const Column* shifts;  // (num_observations, 3)
  double *points, *before, *cost_before;
  FASTCV_HD void operator()(std::int64_t p) const {
    const PointSums s = point_sums(e, shifts, 3, points, p);
    double inverse[6], step[3];
    invert_damped(s.hessian, lambda, inverse);
    multiply_symmetric(inverse, s.gradient, step);
    for (int c = 0; c < 3; ++c) {
      before[3 * p + c] = points[3 * p + c];
      if (e.point_free[p]) points[3 * p + c] -= step[c];
    }
    cost_before[p] = s.cost;
  }
};

// As a term of a sum: takes that step back where it did not lower the cost, and returns the lower one.
struct KeepBetter {
  ResidentEquations e;
  double* points;
  const double *before, *cost_before;
  FASTCV_HD double operator()(std::int64_t p) const {
    double cost = 0;
    for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) cost += e.costs[k];
    if (e.point_priors_begin) {
      for (std::int64_t i = e.point_priors_begin[p]; i < e.point_priors_begin[p + 1]; ++i) {
        cost += point_prior_cost(e.point_priors, i, points + 3 * p);
      }
    }
    if (cost < cost_before[p]) return cost;
    for (int c = 0; c < 3; ++c) points[3 * p + c] = before[3 * p + c];
    return cost_before[p];
  }
};

// As a term of a sum: squared, from the first point (Native::norm).
struct SquaredOffset {
  const double* points;
  FASTCV_HD double operator()(std::int64_t i) const {
    const double offset = points[i] - points[i % 3];
    return offset * offset;
  }
};

}  // namespace fastcv::FASTCV_ISA::ba
