// SPDX-License-Identifier: Apache-2.0
// What the four robust estimators share: float columns in random order to score with, double columns to refine with.
#pragma once

#include "geometry/consensus.h"
#include "geometry/ransac.h"
#include "geometry/refine.h"
#include "geometry/residuals.hd.h"

namespace fastcv::geometry {

template <Residual kind, class Type, class Manifold>
class RobustProblem {
 public:
  using Model = typename Manifold::Model;

  RobustProblem(std::int64_t rows, double threshold)
      : exact_(rows, Type::kColumns), fast_(rows, Type::kColumns), order_(shuffled(rows)), threshold_(threshold) {}

  std::int64_t rows() const { return exact_.rows(); }
  double operator()(std::int64_t row, int column) const { return exact_(row, column); }
  void set(std::int64_t row, int column, double value) {
    exact_(row, column) = value;
    fast_(order_[static_cast<std::size_t>(row)], column) = static_cast<float>(value);
  }

  Consensus consensus(const Model& model, double score_to_beat) const {
    float m[Type::kModel];
    for (int k = 0; k < Type::kModel; ++k) m[k] = static_cast<float>(model[k]);
    return geometry::consensus<kind>(m, fast_.view(), static_cast<float>(threshold_), score_to_beat);
  }

  Consensus exact_consensus(const Model& model) const {
    return geometry::consensus<kind>(model.data(), exact_.view(), threshold_, -1.0);
  }

  Consensus refine(Model* model, int max_steps = 10) const {
    return geometry::refine<kind, Manifold>(exact_.view(), threshold_, max_steps, model);
  }

  bool is_inlier(const Model& model, std::int64_t row) const {
    double c[Type::kColumns];
    for (int k = 0; k < Type::kColumns; ++k) c[k] = exact_(row, k);
    return Type::squared_error(model.data(), c) < threshold_ * threshold_;
  }

 private:
  ColumnStore<double> exact_;
  ColumnStore<float> fast_;
  std::vector<std::int64_t> order_;
  double threshold_;
};

// Runs RANSAC, refines what it found to convergence and marks the inliers.
template <class Problem>
RansacResult solve_robustly(const Problem& problem, const RansacOptions& options, typename Problem::Model* model,
                            bool* inliers) {
  constexpr int kFinalSteps = 100;
  RansacResult result = ransac(problem, options, model);
  if (result.consensus.num_inliers == 0) {
    model->fill(std::numeric_limits<double>::quiet_NaN());
  } else {
    problem.refine(model, kFinalSteps);
    result.consensus = problem.exact_consensus(*model);
  }
  polled_for(problem.rows(), [&](std::int64_t i) { inliers[i] = problem.is_inlier(*model, i); });
  return result;
}

// Columns 0 to 3 hold x1 y1 x2 y2: the sample's points as (x, y), or as rays (x, y, 1) for a stride of 3.
template <int Stride, class Problem>
void gather(const Problem& problem, const std::int64_t* sample, double* points1, double* points2) {
  for (int n = 0; n < Problem::kSample; ++n) {
    for (int k = 0; k < Stride; ++k) {
      points1[Stride * n + k] = k < 2 ? problem(sample[n], k) : 1.0;
      points2[Stride * n + k] = k < 2 ? problem(sample[n], 2 + k) : 1.0;
    }
  }
}

template <class Problem>
void set_points(Problem& problem, std::int64_t i, const double* p, const Similarity2& s1, const double* q,
                const Similarity2& s2) {
  problem.set(i, 0, s1.scale * (p[0] - s1.x));
  problem.set(i, 1, s1.scale * (p[1] - s1.y));
  problem.set(i, 2, s2.scale * (q[0] - s2.x));
  problem.set(i, 3, s2.scale * (q[1] - s2.y));
}

inline Matrix3 unit_norm(const Eigen::Matrix3d& m) { return as_model(m / m.norm()); }

}  // namespace fastcv::geometry
