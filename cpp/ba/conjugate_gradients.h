// SPDX-License-Identifier: Apache-2.0
// The reduced system by preconditioned conjugate gradients: S is multiplied with, through the Jacobians where it would
// be larger than they are.
#pragma once

#include <memory>
#include <vector>

#include "ba/arrangement.h"
#include "ba/coarse_space.h"
#include "ba/priors.h"
#include "ba/unknowns.h"

namespace fastcv::ba {

class ConjugateGradients {
 public:
  // With `matrix`, not null, there is a coarse space, for which prepare() computes all of S there.
  ConjugateGradients(const Arrangement& arrangement, const Unknowns& unknowns, const ImagePriors& priors,
                     std::unique_ptr<SchurMatrix> matrix);

  // Whether S is stored, and multiplied with: where it takes no more memory than the Jacobians.
  static bool stores(const Equations& equations, const SchurMatrix& matrix);

  // What is solved is S = scale U - W V⁻¹ Wᵀ; `hessians` holds the blocks of U by image, priors included, and must
  // stay. The preconditioner: the diagonal blocks of S with `damping` on the diagonal, one for each node
  // ("Schur-Jacobi", Agarwal et al. 2010, section 4.2), and with two levels the correction in the coarse space about
  // the poses added to them. Left out of the diagonal blocks: what two images of a frame, or that share a camera, have
  // in common. It saves 2 % of the iterations on a street of 300 stereo frames and 8 % on one of four cameras, and no
  // time. False where one of these is not positive definite.
  bool prepare(const double* frames, const double* hessians, double scale, const double* damping, int num_threads);

  // Solves (S + damping) x = b approximately, from x = 0, until the gains are enough for the tolerance (settings.h).
  // Returns the number of iterations.
  int solve(const double* b, const double* damping, double tolerance, int most_iterations, double* x, int num_threads);

 private:
  void multiply(const double* x, double* y, int num_threads);  // y = S x
  void multiply_through_jacobians(int num_threads);            // of the images' values
  void precondition(const double* r, double* z) const;

  const Arrangement& arrangement_;
  const Unknowns& unknowns_;
  const ImagePriors& priors_;
  const double* hessians_ = nullptr;
  double extra_ = 0;  // scale - 1
  const std::unique_ptr<SchurMatrix> matrix_;
  const bool stored_;
  std::unique_ptr<CoarseSpace> coarse_;    // from the first prepare() on
  std::vector<std::int64_t> node_blocks_;  // where each node's factored block begins
  std::vector<double> blocks_, image_x_, image_y_;
};

}  // namespace fastcv::ba
