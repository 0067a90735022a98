// SPDX-License-Identifier: Apache-2.0
// The iterations, whatever solves the linearised problem and wherever its arrays live.
#pragma once

#include <chrono>

#include "ba/solve.h"

namespace fastcv::ba {

// A problem that knows where it stands, and a trial point beside it.
class Linearization {
 public:
  virtual ~Linearization() = default;

  // Derivatives where it stands. Returns the cost, infinite where they overflow.
  virtual double linearize() = 0;
  // After linearize(): the largest absolute component of the gradient.
  virtual double gradient_max() = 0;
  // Solves for the step with the damping lambda; the number of linear iterations, 0 where the system is not positive
  // definite.
  virtual int solve(double lambda) = 0;
  // Makes the trial point from the step.
  struct Step {
    double fall;    // of the cost, by the linearised problem
    double length;  // in all unknowns
  };
  virtual Step take_step() = 0;
  // May improve the trial point further. Returns its cost.
  virtual double refine_trial(double lambda) = 0;
  virtual void accept_trial() = 0;
  virtual double norm() = 0;  // of where it stands

  virtual double initial_radius() const = 0;
  virtual std::string linear_solver() const = 0;
  virtual std::string reason() const = 0;  // for the choice of it
};

// Until a reason to end is in the summary. Exceptions end as interruptions: the problem stands where it was best.
Summary levenberg_marquardt(Linearization& problem, const Options& options, const Callback& callback,
                            std::chrono::steady_clock::time_point start);

}  // namespace fastcv::ba
