// SPDX-License-Identifier: Apache-2.0
// Source: Triggs et al. 1999; the trust region's rule is that of Nielsen 1999, "Damping parameter in Marquardt's
// method".
#include "ba/levenberg_marquardt.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastcv::ba {
namespace {

// Nielsen allows 3; refined points make steps so much better than their model says that 10 saves iterations.
constexpr double kMostGrowth = 10;
constexpr double kLargestRadius = 1e16, kSmallestRadius = 1e-32;
constexpr double kLeastQuality = 1e-3;  // of a step that is taken: fall of the cost over that of the model

// Adds the seconds of a call to a phase, and returns what it returned.
template <class F>
auto timed(double& phase, const F& call) {
  const auto start = std::chrono::steady_clock::now();
  auto result = call();
  phase += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

class Iterations {
 public:
  Iterations(Linearization& problem, const Options& options, const Callback& callback,
             std::chrono::steady_clock::time_point start, Summary& summary)
      : problem_(problem), options_(options), callback_(callback), start_(start), summary_(summary) {}

  void run() {
    summary_.phases.setup = seconds();
    cost_ = linearize();
    radius_ = problem_.initial_radius();
    summary_.initial_cost = summary_.final_cost = cost_;
    if (!std::isfinite(cost_)) {
      return end(Termination::failed, "the cost at the start or its derivatives are not finite");
    }
    bool ended = report({0, true, cost_, gradient_, 0, radius_, 0, 0});
    for (int i = 1; !ended && i <= options_.max_iterations; ++i) ended = iterate(i);
    if (!ended) end(Termination::max_iterations, "maximum number of iterations reached");
  }

 private:
  bool iterate(int iteration) {
    if (seconds() > options_.time_limit) return end(Termination::time_limit, "time limit reached"), true;
    PhaseSeconds& phases = summary_.phases;
    const int linear_iterations = timed(phases.linear_solve, [&] { return problem_.solve(1 / radius_); });
    Linearization::Step step{};
    double next = std::numeric_limits<double>::infinity();
    if (linear_iterations > 0) {
      step = timed(phases.take_step, [&] { return problem_.take_step(); });
      if (step.fall > 0) next = timed(phases.refine_points, [&] { return problem_.refine_trial(1 / radius_); });
    }
    const double quality = (cost_ - next) / step.fall, before = cost_;
    const bool accepted = step.fall > 0 && std::isfinite(next) && quality > kLeastQuality;
    // A system that could not be solved says nothing, and one that was solved badly may predict any rise.
    const double change = accepted ? before - next : step.fall;
    const bool still = linear_iterations > 0 && std::abs(change) <= options_.function_tolerance * before;
    accepted ? accept(next, quality, still) : reject();
    if (report({iteration, accepted, next, gradient_, step.length, radius_, linear_iterations, 0})) return true;
    if (still) return end(Termination::converged, "function tolerance reached"), true;
    const double tolerance = options_.parameter_tolerance;
    if (step.fall > 0 && step.length <= tolerance * (problem_.norm() + tolerance)) {
      return end(Termination::converged, "parameter tolerance reached"), true;
    }
    if (radius_ < kSmallestRadius) return end(Termination::failed, "no step lowers the cost"), true;
    return false;
  }

  void accept(double next, double quality, bool is_last) {
    problem_.accept_trial();
    summary_.final_cost = cost_ = next;
    if (!is_last || options_.last_gradient) linearize();
    const double x = 2 * quality - 1;
    radius_ = std::min(kLargestRadius, radius_ / std::max(1 / kMostGrowth, 1 - x * x * x));
    shrink_ = 2;
  }
  void reject() {
    radius_ /= shrink_;
    shrink_ *= 2;
  }

  double linearize() {
    return timed(summary_.phases.linearize, [&] {
      const double cost = problem_.linearize();
      gradient_ = problem_.gradient_max();
      return cost;
    });
  }

  // True where that was the last iteration.
  bool report(Iteration iteration) {
    iteration.seconds = seconds();
    summary_.iterations.push_back(iteration);
    if (callback_ && !callback_(iteration)) return end(Termination::stopped, "the callback asked to stop"), true;
    if (gradient_ > options_.gradient_tolerance) return false;
    return end(Termination::converged, "gradient tolerance reached"), true;
  }
  void end(Termination termination, const char* message) {
    summary_.termination = termination;
    summary_.message = message;
  }
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  Linearization& problem_;
  const Options& options_;
  const Callback& callback_;
  const std::chrono::steady_clock::time_point start_;
  Summary& summary_;
  double cost_ = 0, gradient_ = 0, radius_ = 0, shrink_ = 2;
};

}  // namespace

Summary levenberg_marquardt(Linearization& problem, const Options& options, const Callback& callback,
                            std::chrono::steady_clock::time_point start) {
  Summary summary;
  try {
    Iterations(problem, options, callback, start, summary).run();
  } catch (...) {
    interrupt(summary);
  }
  summary.linear_solver = problem.linear_solver();
  summary.reason = problem.reason();
  return summary;
}

}  // namespace fastcv::ba
