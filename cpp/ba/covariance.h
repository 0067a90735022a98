// SPDX-License-Identifier: Apache-2.0
// How uncertain a solution is: the inverse of the Hessian Jᵀ J, by blocks.
#pragma once

#include "ba/solve.h"

namespace fastcv::ba {

struct Covariance {
  Rows<double, 36> poses;    // (num_images, 6, 6) by (w, v)
  View<double, 1> params;    // of each camera a square matrix by its parameters, one after the other
  Rows<double, 9> points;    // (num_points, 3, 3)
  Rows<double, 36> sensors;  // of poses on the rigs, as `poses`
};

// Zero where something is fixed. Throws std::invalid_argument where the observations do not determine everything that
// is free.
void covariance(const Problem& problem, Loss loss, double loss_scale, const Covariance& out, int num_threads);

}  // namespace fastcv::ba
