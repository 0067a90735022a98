// SPDX-License-Identifier: Apache-2.0
// Levenberg-Marquardt on a model's manifold with Tukey's biweight.
#pragma once

#include <algorithm>

#include "geometry/consensus.h"
#include "geometry/manifold.h"

namespace fastcv::geometry {

// The damped step in the tangent space that the basis spans. Not finite where the equations are singular.
Tangent damped_step(const NormalEquations& equations, const Basis& basis, double damping);

// Improves the model; the score of the consensus that it returns is Σ gain² (see normal_equations). Only inliers of the
// current model take part in a step; one that gains new inliers counts as progress. Stops after max_steps, or once the
// score grows by less than one in a million.
template <Residual kind, class Manifold>
Consensus refine(Columns<double> columns, double threshold, int max_steps, typename Manifold::Model* model) {
  Manifold current(*model);
  NormalEquations equations;
  normal_equations<kind>(current.model().data(), columns, threshold, &equations);
  double damping = 1e-4;
  for (int step = 0; step < max_steps; ++step) {
    const Tangent delta = damped_step(equations, current.basis(), damping);
    if (equations.consensus.num_inliers < delta.size() || !delta.allFinite()) break;
    Manifold trial = current;
    trial.step(delta);
    NormalEquations trial_equations;
    normal_equations<kind>(trial.model().data(), columns, threshold, &trial_equations);
    const double before = equations.consensus.score, after = trial_equations.consensus.score;
    if (after > before) {
      current = trial;
      equations = trial_equations;
      damping = std::max(0.1 * damping, 1e-12);
      if (after - before < 1e-6 * before) break;
    } else {
      if (before - after <= 1e-12 * before) break;
      damping *= 10.0;
    }
  }
  *model = current.model();
  return equations.consensus;
}

}  // namespace fastcv::geometry
