// SPDX-License-Identifier: Apache-2.0
// The conversation between the solver's thread and the caller's.
#include "ba/ceres/session.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "ba/ceres/quiet.h"
#include "core/interrupt.h"

namespace fastcv::ba {
namespace {

using std::chrono::milliseconds;
constexpr auto kPollEvery = milliseconds(20);
// How long the caller waits for a cancelled solve; beyond it the solver's thread is left to end by itself.
constexpr auto kPatience = milliseconds(200);

}  // namespace

Session::Session(const Problem& problem, const Options& options, bool has_callback)
    : adjustment_(problem, options),
      options_(options),
      has_callback_(has_callback),
      best_(adjustment_.parameters().state()) {
  summary_.linear_solver = ceres::LinearSolverTypeToString(adjustment_.linear_solver());
  summary_.reason = adjustment_.reason();
}

void Session::run() {
  const Quiet quiet;
  try {
    finish(adjustment_.run(this));
  } catch (...) {
    const std::lock_guard lock(mutex_);
    summary_.error = std::current_exception();
    turn_ = Turn::finished;
  }
  changed_.notify_all();
}

ceres::CallbackReturnType Session::operator()(const ceres::IterationSummary& s) {
  std::unique_lock lock(mutex_);
  const bool accepted = s.iteration == 0 || s.step_is_successful;
  const double cost = s.cost < std::numeric_limits<double>::max() ? s.cost + adjustment_.fixed_cost()
                                                                  : std::numeric_limits<double>::infinity();
  summary_.iterations.push_back({s.iteration, accepted, cost, s.gradient_max_norm, s.step_norm, s.trust_region_radius,
                                 s.linear_solver_iterations, s.cumulative_time_in_seconds});
  if (s.iteration == 0) summary_.initial_cost = cost;
  if (accepted) {
    best_ = adjustment_.parameters().state();
    summary_.final_cost = cost;
  }
  if (has_callback_ && !stopped_) {
    turn_ = Turn::caller;
    changed_.notify_all();
    changed_.wait(lock, [this] { return turn_ == Turn::solver || stopped_; });
  }
  return stopped_ ? ceres::SOLVER_TERMINATE_SUCCESSFULLY : ceres::SOLVER_CONTINUE;
}

Summary Session::wait(const Problem& problem, const Callback& callback) {
  std::unique_lock lock(mutex_);
  std::exception_ptr error;  // stays with the caller: the session may end later, on a thread that must not touch it
  try {
    converse(lock, callback);
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    stopped_ = true;
    adjustment_.parameters().cancel();
    changed_.notify_all();
    changed_.wait_for(lock, kPatience, [this] { return turn_ == Turn::finished; });
    summary_.termination = Termination::interrupted;
    summary_.message = "interrupted";
    error = std::current_exception();
  }
  best_.write_to(problem);
  Summary summary = summary_;
  if (error) summary.error = error;
  return summary;
}

void Session::converse(std::unique_lock<std::mutex>& lock, const Callback& callback) {
  while (turn_ != Turn::finished) {
    if (turn_ == Turn::caller) {
      const Iteration iteration = summary_.iterations.back();
      lock.unlock();
      const bool go_on = callback(iteration);
      lock.lock();
      stopped_ = !go_on;
      turn_ = Turn::solver;
      changed_.notify_all();
    }
    changed_.wait_for(lock, kPollEvery, [this] { return turn_ != Turn::solver; });
    lock.unlock();
    poll_interrupt();
    lock.lock();
  }
}

void Session::finish(const ceres::Solver::Summary& result) {
  const std::lock_guard lock(mutex_);
  summary_.message = result.message;
  summary_.phases = {result.preprocessor_time_in_seconds, result.jacobian_evaluation_time_in_seconds,
                     result.linear_solver_time_in_seconds, result.residual_evaluation_time_in_seconds, 0};
  switch (result.termination_type) {
    case ceres::CONVERGENCE:
      summary_.termination = Termination::converged;
      break;
    case ceres::USER_SUCCESS:
      summary_.termination = Termination::stopped;
      break;
    case ceres::NO_CONVERGENCE:
      summary_.termination = summary_.iterations.back().iteration >= options_.max_iterations
                                 ? Termination::max_iterations
                                 : Termination::time_limit;
      break;
    default:
      summary_.termination = Termination::failed;
  }
  turn_ = Turn::finished;
}

}  // namespace fastcv::ba
