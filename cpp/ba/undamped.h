// SPDX-License-Identifier: Apache-2.0
// The normal equations at a solution, without damping: what the observations leave open is an error here.
#pragma once

#include "ba/sparse_cholesky.h"

namespace fastcv::ba {

class Undamped {
 public:
  // Of linearised equations, `hessians` being the blocks by image with their priors. Eliminates the points. Throws
  // std::invalid_argument where something free is not determined.
  Undamped(const Arrangement& arrangement, const Unknowns& unknowns, const double* hessians, int num_threads);

  // Solves the reduced system in place.
  void solve(double* x) const { cholesky_.solve(x); }
  // Of the reduced system, in its blocks.
  const SchurMatrix& inverse() const { return matrix_; }

 private:
  SchurMatrix matrix_;
  SparseCholesky cholesky_;
};

}  // namespace fastcv::ba
