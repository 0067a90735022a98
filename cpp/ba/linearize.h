// SPDX-License-Identifier: Apache-2.0
// Residuals of a whole problem and their Jacobian blocks.
#pragma once

#include "ba/problem.h"

namespace fastcv::ba {

// residuals: (K, 2), weighted and whitened, or in pixels.
void residuals(const Problem& problem, Rows<double, 2> residuals, bool weighted, int num_threads);

// The first observation whose residual is not below the limit in pixels in both coordinates, as where it is NaN; -1 for
// none.
std::int64_t first_beyond(const Problem& problem, double limit, int num_threads);

// d_pose: (K, 2, 6) by (w, v); d_params: (K, 2, P) with P the largest number of parameters, zero beyond a camera's own;
// d_point: (K, 2, 3).
void linearize(const Problem& problem, Rows<double, 2> residuals, View<double, 3> d_pose, View<double, 3> d_params,
               View<double, 3> d_point, int num_threads);

}  // namespace fastcv::ba
