// SPDX-License-Identifier: Apache-2.0
// One damped Gauss-Newton step.
#include "geometry/refine.h"

namespace fastcv::geometry {

Tangent damped_step(const NormalEquations& equations, const Basis& basis, double damping) {
  const Eigen::Index n = basis.rows();
  Basis full(n, n);
  for (Eigen::Index i = 0, at = 0; i < n; ++i) {
    for (Eigen::Index j = i; j < n; ++j, ++at) full(i, j) = full(j, i) = equations.hessian[at];
  }
  Basis hessian = basis.transpose() * (full * basis);
  const Tangent gradient = basis.transpose() * Eigen::Map<const Tangent>(equations.gradient, n);
  hessian.diagonal() *= 1.0 + damping;
  return -hessian.ldlt().solve(gradient);
}

}  // namespace fastcv::geometry
