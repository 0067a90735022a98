// SPDX-License-Identifier: Apache-2.0
// Our own bundle adjustment.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "ba/conjugate_gradients.h"
#include "ba/covariance.h"
#include "ba/priors.h"
#include "ba/solve.h"
#include "ba/sparse_cholesky.h"
#include "core/parallel.h"

namespace fastcv::ba {

class Native {
 public:
  Native(const Problem& problem, const Options& options);

  Summary run(const Callback& callback);
  void covariance(const Covariance& out);  // covariance.cpp

 private:
  // Everything that a solve changes.
  struct Unknown {
    std::vector<double> cam_from_world, params, points;
    Estimate estimate() const { return {cam_from_world.data(), points.data(), params.data()}; }
  };

  void choose_linear_solver();
  template <class F>
  double sum_over_chunks(const F& f) const {
    std::vector<double> sums(arrangement_.num_chunks());
    parallel_for(arrangement_.num_chunks(), 1, options_.num_threads,
                 [&](std::int64_t begin, std::int64_t) { sums[begin] = f(begin); });
    double sum = 0;
    for (const double value : sums) sum += value;
    return sum;
  }
  double refine_trial(double lambda);
  double linearize();
  double gradient_max() const;
  int solve_reduced(double lambda);
  double take_step();
  void iterate(Summary& summary, const Callback& callback);
  bool report(Summary& summary, const Callback& callback, Iteration iteration) const;
  double seconds() const;
  std::string linear_solver() const;

  const Problem& problem_;
  const Options options_;
  const RobustLoss loss_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  const Arrangement arrangement_;
  const Unknowns unknowns_;
  ImagePriors priors_;
  std::unique_ptr<ConjugateGradients> gradients_;  // until the factor takes over
  std::unique_ptr<SchurMatrix> matrix_;
  std::unique_ptr<SparseCholesky> cholesky_;
  static constexpr int kMostGradients = 500;
  int most_gradients_ = kMostGradients;  // in one solution
  Unknown at_, trial_;
  std::vector<double> hessians_, image_values_, point_step_;
  std::vector<double> gradient_, diagonal_, damping_, step_;  // of the unknowns
};

}  // namespace fastcv::ba
