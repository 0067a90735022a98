// SPDX-License-Identifier: Apache-2.0
// Our own bundle adjustment.
#pragma once

#include <utility>
#include <vector>

#include "ba/covariance.h"
#include "ba/implicit_gradient.h"
#include "ba/levenberg_marquardt.h"
#include "ba/reduced_system.h"
#include "core/parallel.h"

namespace fastcv::ba {

class Native : public Linearization {
 public:
  Native(const Problem& problem, const Options& options);

  double linearize() override;
  double gradient_max() override;
  int solve(double lambda) override;
  Step take_step() override;
  double refine_trial(double lambda) override;
  void accept_trial() override { std::swap(at_, trial_); }
  double norm() override;
  double initial_radius() const override;
  std::string linear_solver() const override { return reduced_.linear_solver(); }
  std::string reason() const override { return reduced_.reason(); }

  void write_back() const;                 // to the problem's arrays
  void covariance(const Covariance& out);  // covariance.cpp
  // implicit_gradient.cpp
  double approach_minimum();
  void implicit_gradient(const TangentView& by_solution, const Rows<const double, 6>& by_sensors,
                         const DataGradient& by_data);

 private:
  // Everything that a solve changes.
  struct State {
    std::vector<double> cam_from_world, frames, sensors, params, points;  // an image's pose follows from two others
    Estimate estimate() const { return {cam_from_world.data(), points.data(), params.data()}; }
  };

  void move_poses();
  template <class F>
  double sum_over_chunks(const F& f) const {
    std::vector<double> sums(arrangement_.num_chunks());
    parallel_for(arrangement_.num_chunks(), 1, options_.num_threads,
                 [&](std::int64_t begin, std::int64_t) { sums[begin] = f(begin); });
    double sum = 0;
    for (const double value : sums) sum += value;
    return sum;
  }

  void descend(State& best);  // implicit_gradient.cpp
  void make_trial();          // from the step of the unknowns in step_, and that of the points in trial_.points

  const Problem& problem_;
  const Options options_;
  const RobustLoss loss_;
  const Arrangement arrangement_;
  Unknowns unknowns_;
  ImagePriors priors_;
  State at_, trial_;
  ReducedSystem reduced_;
  std::vector<double> hessians_, image_values_;
  std::vector<double> gradient_, diagonal_, damping_, step_;  // of the unknowns
};

}  // namespace fastcv::ba
