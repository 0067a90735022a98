// SPDX-License-Identifier: Apache-2.0
// What every solver is asked and answers.
#pragma once

#include <exception>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "ba/loss.hd.h"
#include "ba/problem.h"

namespace fastcv::ba {

struct Options {
  std::string linear_solver;  // or "" to choose by the shape of the problem
  Loss loss;
  double loss_scale;
  int max_iterations;
  double function_tolerance, gradient_tolerance, parameter_tolerance;
  double time_limit;  // seconds, asked between iterations
  int num_threads;
  bool last_gradient = true;  // false where nobody asks for the gradient where the solve ends: its last is one step old
};

struct Iteration {
  int iteration;
  bool accepted;
  double cost;  // 1/2 sum rho(r²), px²; of the trial point where it was not accepted
  double gradient_max, step_norm, trust_region_radius;
  int linear_iterations;
  double seconds;  // since the start
};

enum class Termination { converged, max_iterations, time_limit, stopped, failed, interrupted };

// Where the time went.
struct PhaseSeconds {
  double setup = 0, linearize = 0, linear_solve = 0, take_step = 0, refine_points = 0;
};

struct Summary {
  Termination termination = Termination::failed;
  // NaN where the solve was interrupted before the first evaluation.
  double initial_cost = std::numeric_limits<double>::quiet_NaN(), final_cost = initial_cost;
  std::string linear_solver, reason, message;  // why this linear solver
  std::vector<Iteration> iterations;
  PhaseSeconds phases;
  std::exception_ptr error{};  // what the callback or the poll for Ctrl-C threw
};

// To be called where an exception is handled: a summary that ends with it.
inline void interrupt(Summary& summary) {
  summary.termination = Termination::interrupted;
  summary.message = "interrupted";
  summary.error = std::current_exception();
}

// Runs on the calling thread, may be empty; false stops.
using Callback = std::function<bool(const Iteration&)>;

// Our own solver, that of a GPU as the CPU runs it, and Ceres, in a library of its own. They change the free poses,
// intrinsics and points of the problem to the best that was found, also where the solve was stopped or interrupted.
Summary solve_native(const Problem& problem, const Options& options, const Callback& callback);
Summary solve_resident(const Problem& problem, const Options& options, const Callback& callback);
Summary solve_with_ceres(const Problem& problem, const Options& options, const Callback& callback);

}  // namespace fastcv::ba
