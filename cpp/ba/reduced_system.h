// SPDX-License-Identifier: Apache-2.0
// The linear system of the images' unknowns, and how it is solved.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ba/conjugate_gradients.h"
#include "ba/settings.h"
#include "ba/sparse_cholesky.h"

namespace fastcv::ba {

class ReducedSystem {
 public:
  // `wanted` is a linear solver, or "" to choose by what each would cost.
  ReducedSystem(const Arrangement& arrangement, const Unknowns& unknowns, const ImagePriors& priors,
                const std::string& wanted);

  // Solves (scale U - W V⁻¹ Wᵀ + damping) x = b, linearised at the poses, `hessians` holding the blocks of U by image,
  // priors included. Returns the number of linear iterations, or 0 where the system is not positive definite.
  int solve(const double* frames, const double* hessians, double scale, const double* damping, const double* b,
            double* x, int num_threads);

  bool is_iterative() const { return gradients_ != nullptr; }
  std::string linear_solver() const;
  const std::string& reason() const { return reason_; }

 private:
  void choose(const std::string& wanted, const ImagePriors& priors);
  bool is_factor_cheaper(double pairs);

  const Arrangement& arrangement_;
  const Unknowns& unknowns_;
  std::unique_ptr<ConjugateGradients> gradients_;  // or the two below
  std::unique_ptr<SchurMatrix> matrix_;
  std::unique_ptr<SparseCholesky> cholesky_;
  std::string reason_ = "asked for";
};

}  // namespace fastcv::ba
