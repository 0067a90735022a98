// SPDX-License-Identifier: Apache-2.0
// The gradient of one observation or prior in dual numbers: with its derivative along the direction in which the
// estimate moves, a row of the exact Hessian times that direction.
#pragma once

#include "ba/priors.hd.h"
#include "ba/reprojection.hd.h"
#include "core/dual.hd.h"

namespace fastcv::FASTCV_ISA::ba {

// rho' of a squared residual.
FASTCV_HD Dual loss_weight(const fastcv::ba::RobustLoss& loss, const Dual& squared) {
  const RhoDerivatives rho = robust_loss(loss, squared.value);
  return {rho.first, rho.second * squared.slope};
}

// By w, v and all parameters of the image's camera; by the point it is minus the three of v.
template <class Model>
FASTCV_HD void observation_gradient(const Dual* cam_from_world, const Dual* params, const Dual* point,
                                    const double* observed, double weight, const double* whitening,
                                    const fastcv::ba::RobustLoss& loss, Dual* gradient) {
  constexpr int kColumns = kPoseSize + Model::kNumParams;
  const Dual pixel[2] = {observed[0], observed[1]};
  Dual r[2], jacobian[2 * kColumns], d_point[6];
  reprojection_jacobian<Model>(cam_from_world, params, point, pixel, Dual(weight), r, jacobian, d_point);
  if (whitening) {
    const Dual s[3] = {whitening[0], whitening[1], whitening[2]};
    whiten(s, r, r + 1, 1);
    whiten(s, jacobian, jacobian + kColumns, kColumns);
  }
  const Dual scale = loss_weight(loss, r[0] * r[0] + r[1] * r[1]), first = scale * r[0], second = scale * r[1];
  for (int c = 0; c < kColumns; ++c) gradient[c] = jacobian[c] * first + jacobian[kColumns + c] * second;
}

// By what is known of an observation: its pixel (2), weight (1) and whitening (3).
template <class Model>
FASTCV_HD void measurement_gradient(const Dual* cam_from_world, const Dual* params, const Dual* point,
                                    const double* observed, double weight, const double* whitening,
                                    const fastcv::ba::RobustLoss& loss, Dual* gradient) {
  const Dual pixel[2] = {observed[0], observed[1]};
  Dual e[2], s[3] = {1, 0, 1};  // e: the error in pixels, where the residual is weight [s0 0; s1 s2] e
  reprojection_residual<Model>(cam_from_world, params, point, pixel, Dual(1), e);
  for (int i = 0; whitening && i < 3; ++i) s[i] = whitening[i];
  const Dual r[2] = {s[0] * e[0], s[1] * e[0] + s[2] * e[1]}, squared = r[0] * r[0] + r[1] * r[1];
  const Dual scale = weight * loss_weight(loss, weight * weight * squared), full = weight * scale;
  gradient[0] = -full * (s[0] * r[0] + s[1] * r[1]);
  gradient[1] = -full * s[2] * r[1];
  gradient[2] = scale * squared;
  gradient[3] = full * r[0] * e[0];
  gradient[4] = full * r[1] * e[0];
  gradient[5] = full * r[1] * e[1];
}

// What the curvature of an image's (w, v) as a function of its frame's and its sensor's adds to the Hessian, times a
// direction (frame, sensor). In rig.hd.h's terms, to second order
//   w = … + w_s × R_s w_f / 2,  v = … + R_fᵀ (w_f × (w_f × c_s) / 2 - w_f × v_s);
// this is the gradient of gᵀ (those terms), g by the image's (w, v).
FASTCV_HD void rig_curvature(const double* sensor_from_rig, const double* rig_from_world, const double* g,
                             const double* frame, const double* sensor, double* to_frame, double* to_sensor) {
  using V = Vec3<double>;
  const double *s = sensor_from_rig, *f = rig_from_world;
  const auto apply = [](const double* p, const V& x) {
    return V{p[0] * x.x + p[1] * x.y + p[2] * x.z, p[4] * x.x + p[5] * x.y + p[6] * x.z,
             p[8] * x.x + p[9] * x.y + p[10] * x.z};
  };
  const auto apply_transpose = [](const double* p, const V& x) {
    return V{p[0] * x.x + p[4] * x.y + p[8] * x.z, p[1] * x.x + p[5] * x.y + p[9] * x.z,
             p[2] * x.x + p[6] * x.y + p[10] * x.z};
  };
  const V wf{frame[0], frame[1], frame[2]}, ws{sensor[0], sensor[1], sensor[2]}, vs{sensor[3], sensor[4], sensor[5]};
  const V gw{g[0], g[1], g[2]}, gv = apply(f, V{g[3], g[4], g[5]});  // the latter in the rig's axes
  const V minus_c = apply_transpose(s, V{s[3], s[7], s[11]});
  const V turned = cross(apply(s, wf), gw), back = apply_transpose(s, cross(gw, ws)), shift = cross(vs, gv);
  const V lever = cross(wf, gv);
  const double wc = dot(wf, minus_c), wg = dot(wf, gv), gc = dot(gv, minus_c);
  to_frame[0] = 0.5 * back.x - shift.x - 0.5 * (gv.x * wc + minus_c.x * wg) + gc * wf.x;
  to_frame[1] = 0.5 * back.y - shift.y - 0.5 * (gv.y * wc + minus_c.y * wg) + gc * wf.y;
  to_frame[2] = 0.5 * back.z - shift.z - 0.5 * (gv.z * wc + minus_c.z * wg) + gc * wf.z;
  to_sensor[0] = 0.5 * turned.x;
  to_sensor[1] = 0.5 * turned.y;
  to_sensor[2] = 0.5 * turned.z;
  to_sensor[3] = lever.x;
  to_sensor[4] = lever.y;
  to_sensor[5] = lever.z;
}

// Of a prior by the degrees of freedom that it is about (D), and by its whitening (D x D, the lower triangle): the
// residual is whitening * error.
template <int D>
FASTCV_HD void prior_gradient(const PriorTerm<D, Dual>& term, const double* whitening,
                              const fastcv::ba::RobustLoss& loss, Dual* gradient, Dual* by_whitening) {
  const Dual scale = loss_weight(loss, term.squared());
  Dual error[D];
  for (int c = 0; c < D; ++c) gradient[c] = 0;
  for (int r = 0; r < D; ++r) {
    Dual rest = term.residual[r];
    for (int c = 0; c < r; ++c) rest -= whitening[D * r + c] * error[c];
    error[r] = rest / whitening[D * r + r];
    const Dual pull = scale * term.residual[r];
    for (int c = 0; c < D; ++c) {
      gradient[c] += pull * term.jacobian[r][c];
      by_whitening[D * r + c] = c <= r ? pull * error[c] : Dual(0);
    }
  }
}

}  // namespace fastcv::FASTCV_ISA::ba
