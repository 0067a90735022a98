// SPDX-License-Identifier: Apache-2.0
// The residual of one prior and its derivatives, shared by every solver.
#pragma once

#include "ba/problem.h"
#include "camera/rotation.hd.h"

namespace fastcv::FASTCV_ISA::ba {

// D residuals, whitening * error, with the derivatives by the D degrees of freedom of what the prior is about.
template <int D, class T = double>
struct PriorTerm {
  T residual[D], jacobian[D][D];

  FASTCV_HD T squared() const {
    T sum = 0;
    for (int r = 0; r < D; ++r) sum += residual[r] * residual[r];
    return sum;
  }
};

// An error whose derivative is the identity: of a point, a projection centre or a parameter.
template <int D, class T>
FASTCV_HD PriorTerm<D, T> difference_prior(const T* at, const double* value, const double* whitening) {
  PriorTerm<D, T> term;
  for (int r = 0; r < D; ++r) {
    term.residual[r] = 0;
    for (int c = 0; c < D; ++c) {
      term.jacobian[r][c] = whitening[D * r + c];
      term.residual[r] += whitening[D * r + c] * (at[c] - value[c]);
    }
  }
  return term;
}

// C = -Rᵀ t.
template <class T>
FASTCV_HD void projection_center(const T* cam_from_world, T* center) {
  const T* p = cam_from_world;
  for (int c = 0; c < 3; ++c) center[c] = -(p[c] * p[3] + p[4 + c] * p[7] + p[8 + c] * p[11]);
}

// By v: the Jacobian's columns belong to the last three of a pose.
template <class T>
FASTCV_HD PriorTerm<3, T> position_prior(const T* cam_from_world, const double* value, const double* whitening) {
  T center[3];
  projection_center(cam_from_world, center);
  return difference_prior<3>(center, value, whitening);
}

// The error is the (w, v) that leads from the prior's pose R₀, C₀ to this one, x_cam = exp(w) R₀ (X - C₀ - v): v is the
// difference of the centres, and w = log(R R₀ᵀ) has the derivative I - [w]/2 + c [w]² by a further left turn (the
// inverse left Jacobian: Chirikjian 2011, eq. 10.86).
template <class T>
FASTCV_HD PriorTerm<6, T> pose_prior(const T* cam_from_world, const double* value, const double* whitening) {
  T turn[9], error[6], center[3];
  double prior_center[3];
  for (int r = 0; r < 3; ++r) {
    const T* a = cam_from_world + 4 * r;
    const double* b = value;
    for (int c = 0; c < 3; ++c, b += 4) turn[3 * r + c] = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  }
  projection_center(cam_from_world, center);
  projection_center(value, prior_center);
  const Vec3<T> w = angle_axis_from_rotation(turn);
  const T t2 = dot(w, w), half = T(0.5) * sqrt(t2), wv[3] = {w.x, w.y, w.z};
  const T scale = t2 > T(0) ? (T(1) - half * cos(half) / sin(half)) / t2 : T(0);  // c
  const T cross_w[9] = {T(0), -w.z, w.y, w.z, T(0), -w.x, -w.y, w.x, T(0)};
  T by_turn[9];
  for (int r = 0; r < 3; ++r) {
    error[r] = wv[r];
    error[3 + r] = center[r] - prior_center[r];
    for (int c = 0; c < 3; ++c) {
      const T on_diagonal = r == c ? T(1) - scale * t2 : T(0);
      by_turn[3 * r + c] = scale * wv[r] * wv[c] - T(0.5) * cross_w[3 * r + c] + on_diagonal;
    }
  }
  const double zero[6] = {};
  PriorTerm<6, T> term = difference_prior<6>(error, zero, whitening);
  for (auto& row : term.jacobian) {
    const T s[3] = {row[0], row[1], row[2]};
    for (int c = 0; c < 3; ++c) row[c] = s[0] * by_turn[c] + s[1] * by_turn[3 + c] + s[2] * by_turn[6 + c];
  }
  return term;
}

FASTCV_HD PriorTerm<3> point_prior(const fastcv::ba::Priors& priors, std::int64_t i, const double* point) {
  return difference_prior<3>(point, priors.values.data + 3 * i, priors.whitening.data + 9 * i);
}

// Adds the upper triangle of the Hessian and the gradient by the point; returns the cost.
FASTCV_HD double add_point_prior(const fastcv::ba::Priors& priors, std::int64_t i, const double* point, double* hessian,
                                 double* gradient) {
  const PriorTerm<3> term = point_prior(priors, i, point);
  const RhoDerivatives rho = robust_loss(priors.loss, term.squared());
  for (int k = 0; k < 3; ++k) {
    const double* row = term.jacobian[k];
    for (int r = 0, entry = 0; r < 3; ++r) {
      for (int c = r; c < 3; ++c) hessian[entry++] += rho.first * row[r] * row[c];
      gradient[r] += rho.first * row[r] * term.residual[k];
    }
  }
  return 0.5 * rho.rho;
}

FASTCV_HD double point_prior_cost(const fastcv::ba::Priors& priors, std::int64_t i, const double* point) {
  return 0.5 * robust_loss(priors.loss, point_prior(priors, i, point).squared()).rho;
}

}  // namespace fastcv::FASTCV_ISA::ba
