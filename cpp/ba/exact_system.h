// SPDX-License-Identifier: Apache-2.0
// Linear systems with the exact Hessian of everything that is free, by conjugate gradients.
#pragma once

#include <vector>

#include "ba/exact_hessian.h"
#include "ba/undamped.h"

namespace fastcv::ba {

class ExactSystem {
 public:
  // The preconditioner is the Gauss-Newton Hessian, factored: the iterations need only make up for what it leaves out.
  ExactSystem(const Problem& problem, const Arrangement& arrangement, const Unknowns& unknowns, const Undamped& factor,
              const ExactHessian& hessian, int num_threads);

  // Vectors hold the unknowns, then all points, zero where they are fixed.
  using Vector = std::vector<double>;
  Vector restricted(const Tangent& tangent) const;
  Tangent expanded(const Vector& vector) const;  // zero where fixed

  Vector gauss_newton(const Vector& b) const;
  Vector times(const Vector& x) const;  // H x
  // H x = b until the error of x is this part of x in the norm of the preconditioner. False where H is not positive
  // definite.
  bool solve(const Vector& b, double tolerance, Vector& x) const;

 private:
  void add_rig_curvature(const Vector& x, Vector& y) const;

  const Problem& problem_;
  const Arrangement& arrangement_;
  const Unknowns& unknowns_;
  const Undamped& factor_;
  const ExactHessian& hessian_;
  const int num_threads_;
};

}  // namespace fastcv::ba
