// SPDX-License-Identifier: Apache-2.0
// How a solution moves with what the problem was told.
#pragma once

#include "ba/exact_hessian.h"
#include "ba/solve.h"

namespace fastcv::ba {

// Newton's method with the exact Hessian, from near a minimum to the last digits: changes the problem's arrays. Where
// the problem is not determined, or no minimum is near, they stay as they are. Returns the cost.
double approach_minimum(const Problem& problem, Loss loss, double loss_scale, int num_threads);

// The derivatives of a function of the solution, where the problem stands, by the data. `by_solution` holds those by
// the solution, and becomes those by where it is fixed, 0 where it is free. Throws std::invalid_argument where the
// problem stands at no isolated minimum. `by_sensors` holds further derivatives, by the (w, v) of sensors.
void implicit_gradient(const Problem& problem, Loss loss, double loss_scale, const TangentView& by_solution,
                       const Rows<const double, 6>& by_sensors, const DataGradient& by_data, int num_threads);

}  // namespace fastcv::ba
