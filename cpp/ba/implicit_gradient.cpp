// SPDX-License-Identifier: Apache-2.0
// At a minimum x of C(x, data) the gradient g is zero, and stays so as the data change: H dx = -dg. With H u = (a
// function's derivatives by x), its derivatives by the data are those of -gᵀ u. Source: Griewank & Walther 2008,
// "Evaluating derivatives", section 15.3.
#include "ba/implicit_gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "ba/dot.h"
#include "ba/exact_system.h"
#include "ba/native.h"

namespace fastcv::ba {
namespace {

constexpr double kNewtonTolerance = 1e-4, kGradientTolerance = 1e-8;  // of conjugate gradients
constexpr int kMostNewtonSteps = 10;
constexpr double kLeastGain = 4;        // of a Newton step, in what remains; less is rounding
constexpr double kNothingLeft = 1e-24;  // of the cost to be gained
// How far from its minimum a solution may be, in its own standard deviations. Derivatives are wrong by about as much
// of themselves times the change of the Hessian over a standard deviation.
constexpr double kMostDeviations = 1e-3;
constexpr double kRounding = 1e-10;  // of pixels: where residuals are no larger, the standard deviation is this

// The square of such residuals, as a cost.
double rounding_cost(const Problem& problem) {
  double sum = 0;
  for (std::int64_t k = 0; k < problem.num_observations(); ++k) {
    const double *pixel = problem.observations[k], weight = problem.weights(k) * kRounding;
    sum += weight * weight * (pixel[0] * pixel[0] + pixel[1] * pixel[1]);
  }
  return sum;
}

std::vector<double> negative(std::vector<double> values) {
  for (double& value : values) value = -value;
  return values;
}

Options options_for(Loss loss, double loss_scale, int num_threads) {
  Options options{};
  options.linear_solver = "iterative_schur";  // the one that needs no preparation
  options.loss = loss;
  options.loss_scale = loss_scale;
  options.num_threads = num_threads;
  return options;
}

}  // namespace

double Native::approach_minimum() {
  State best = at_;
  try {
    descend(best);
  } catch (const std::invalid_argument&) {  // something is not determined
  }
  at_ = best;
  write_back();
  return linearize();
}

void Native::descend(State& best) {
  ExactHessian hessian(problem_, loss_, options_.num_threads);
  double remains = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kMostNewtonSteps; ++i) {
    const double cost = linearize();
    hessian.linearize();
    const Undamped factor(arrangement_, unknowns_, hessians_.data(), options_.num_threads);
    const ExactSystem system(problem_, arrangement_, unknowns_, factor, hessian, options_.num_threads);
    const std::vector<double> downhill = negative(system.restricted(hessian.gradient()));
    const double gain = dot(downhill, system.gauss_newton(downhill));
    if (!(kLeastGain * gain <= remains)) return;
    best = at_;
    remains = gain;
    std::vector<double> step;
    if (gain <= kNothingLeft * cost || !system.solve(downhill, kNewtonTolerance, step)) return;
    std::copy_n(step.begin(), step_.size(), step_.begin());
    std::copy(step.begin() + static_cast<std::ptrdiff_t>(step_.size()), step.end(), trial_.points.begin());
    make_trial();
    accept_trial();
    write_back();
  }
}

void Native::implicit_gradient(const TangentView& by_solution, const Rows<const double, 6>& by_sensors,
                               const DataGradient& by_data) {
  const double cost = linearize();
  ExactHessian hessian(problem_, loss_, options_.num_threads);
  hessian.linearize();
  const Undamped factor(arrangement_, unknowns_, hessians_.data(), options_.num_threads);
  const ExactSystem system(problem_, arrangement_, unknowns_, factor, hessian, options_.num_threads);
  const std::vector<double> gradient = system.restricted(hessian.gradient());
  const double variance = (cost + rounding_cost(problem_)) / static_cast<double>(problem_.num_observations());
  const double deviations = std::sqrt(dot(gradient, system.gauss_newton(gradient)) / variance);
  if (!(deviations <= kMostDeviations)) {
    throw std::invalid_argument("problem: expected a solution within " + std::to_string(kMostDeviations) +
                                " standard deviations of its minimum, got one " + std::to_string(deviations) +
                                " from it (did the solve converge?)");
  }
  std::vector<double> by_free = system.restricted(Tangent(by_solution)), u;
  for (std::int64_t i = 0; i < 6 * by_sensors.rows; ++i) {
    const std::int32_t unknown = unknowns_.of_sensor(i / 6)[i % 6];
    if (unknown >= 0) by_free[unknown] += by_sensors.data[i];
  }
  if (!system.solve(negative(by_free), kGradientTolerance, u)) {
    throw std::invalid_argument(
        "problem: expected a minimum, got a solution where the Hessian is not positive definite (a saddle, or robust "
        "losses that leave too few observations)");
  }
  const Tangent along = system.expanded(u);
  hessian.by_data(along, by_data);
  const Tangent by_fixed = hessian.times(along);
  Tangent free(problem_);
  for (auto* part : {&free.poses, &free.params, &free.points}) std::fill(part->begin(), part->end(), 1.0);
  free = system.expanded(system.restricted(free));
  const auto keep_fixed = [](const auto& is_free, const auto& change, double* values) {
    for (std::size_t i = 0; i < is_free.size(); ++i) values[i] = is_free[i] != 0 ? 0 : values[i] + change[i];
  };
  keep_fixed(free.poses, by_fixed.poses, by_solution.poses.data);
  keep_fixed(free.params, by_fixed.params, by_solution.params.data);
  keep_fixed(free.points, by_fixed.points, by_solution.points.data);
}

double approach_minimum(const Problem& problem, Loss loss, double loss_scale, int num_threads) {
  return Native(problem, options_for(loss, loss_scale, num_threads)).approach_minimum();
}

void implicit_gradient(const Problem& problem, Loss loss, double loss_scale, const TangentView& by_solution,
                       const Rows<const double, 6>& by_sensors, const DataGradient& by_data, int num_threads) {
  Native(problem, options_for(loss, loss_scale, num_threads)).implicit_gradient(by_solution, by_sensors, by_data);
}

}  // namespace fastcv::ba
