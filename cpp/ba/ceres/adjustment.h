// SPDX-License-Identifier: Apache-2.0
// A bundle adjustment problem in Ceres' terms.
#pragma once

#include <ceres/loss_function.h>
#include <ceres/problem.h>
#include <ceres/solver.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "ba/ceres/parameters.h"
#include "ba/ceres/prior_cost.h"
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
  const std::string& reason() const { return reason_; }  // for the choice of it

  ceres::Solver::Summary run(ceres::IterationCallback* callback);

 private:
  void add(const Problem& problem, std::int64_t k);
  void add_priors(const Problem& problem);
  void add_point_priors(const Problem& problem);
  void add_params_priors(const ParamsPriors& priors);
  template <int D>
  void add_prior(std::vector<PriorPart> parts, ceres::LossFunction* loss, std::function<PriorRows<D>()> rows);
  // On an image: the term's columns are those of its pose from `first` on.
  template <int D>
  void add_image_prior(int image, int first, ceres::LossFunction* loss,
                       std::function<generic::ba::PriorTerm<D>(const double* cam_from_world)> term);
  void add(std::unique_ptr<ceres::CostFunction> cost, ceres::LossFunction* loss, const std::vector<double*>& blocks);
  void choose_linear_solver(const Problem& problem, const std::string& wanted);

  Parameters parameters_;
  std::unique_ptr<ceres::LossFunction> loss_, pose_loss_, position_loss_, point_loss_;
  std::deque<Block> point_blocks_;  // of points with priors: they stay where they are
  double fixed_cost_ = 0;
  std::string reason_ = "asked for";
  ceres::Problem ceres_;
  ceres::Solver::Options options_;
};

}  // namespace fastcv::ba
