// SPDX-License-Identifier: Apache-2.0
// A solve on a thread of its own. Ceres cannot be stopped inside a linear solve, which may take seconds: the caller
// waits beside it, answers Ctrl-C at once and leaves with the best state so far.
#pragma once

#include <condition_variable>
#include <mutex>

#include "ba/ceres/adjustment.h"

namespace fastcv::ba {

// Both threads own it, and the solver's thread never touches the caller's memory: the caller may leave first.
class Session final : public ceres::IterationCallback {
 public:
  Session(const Problem& problem, const Options& options, bool has_callback);

  // The solver's thread.
  void run();
  ceres::CallbackReturnType operator()(const ceres::IterationSummary& iteration) override;

  // The caller's thread: returns when the solve has ended or is given up, with the best state written to the problem.
  Summary wait(const Problem& problem, const Callback& callback);

 private:
  enum class Turn { solver, caller, finished };

  void converse(std::unique_lock<std::mutex>& lock, const Callback& callback);
  void finish(const ceres::Solver::Summary& result);

  Adjustment adjustment_;
  const Options options_;
  const bool has_callback_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Turn turn_ = Turn::solver;
  bool stopped_ = false;
  State best_;
  Summary summary_;
};

}  // namespace fastcv::ba
