// SPDX-License-Identifier: Apache-2.0
// A bundle adjustment problem in Ceres' terms.
#pragma once

#include <ceres/loss_function.h>
#include <ceres/problem.h>
#include <ceres/solver.h>

#include <functional>
#include <memory>
#include <vector>

#include "ba/ceres/parameters.h"
#include "ba/priors.hd.h"
#include "ba/solve.h"

namespace fastcv::ba {

class Adjustment {
 public:
  // Needs the problem's arrays during construction only. Polls for Ctrl-C.
  Adjustment(const Problem& problem, const Options& options);

  Parameters& parameters() { return parameters_; }
  // Cost of the observations and priors that no free parameter touches.
  double fixed_cost() const { return fixed_cost_; }
  ceres::LinearSolverType linear_solver() const { return options_.linear_solver_type; }

  ceres::Solver::Summary run(ceres::IterationCallback* callback);

 private:
  void add(const Problem& problem, std::int64_t k);
  void add_priors(const Problem& problem);
  void add_params_priors(const ParamsPriors& priors);
  // `first_column` is the block's column that the term's first one belongs to.
  template <int D>
  void add_prior(const Block& block, int first_column, ceres::LossFunction* loss,
                 std::function<generic::ba::PriorTerm<D>()> term);
  void add(std::unique_ptr<ceres::CostFunction> cost, ceres::LossFunction* loss, const std::vector<double*>& blocks);
  void choose_linear_solver(const Problem& problem, const std::string& wanted);

  Parameters parameters_;
  std::unique_ptr<ceres::LossFunction> loss_, pose_loss_, position_loss_, point_loss_;
  double fixed_cost_ = 0;
  ceres::Problem ceres_;
  ceres::Solver::Options options_;
};

}  // namespace fastcv::ba
