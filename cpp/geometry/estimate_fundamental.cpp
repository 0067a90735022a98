// SPDX-License-Identifier: Apache-2.0
// Robust fundamental matrix.
#include "geometry/estimate.h"
#include "geometry/fundamental.h"
#include "geometry/problem.h"

namespace fastcv::geometry {
namespace {

struct FundamentalProblem : RobustProblem<Residual::sampson, generic::Sampson, FundamentalManifold> {
  using RobustProblem::RobustProblem;
  static constexpr int kSample = 7, kMaxModels = kMaxFundamentals;

  int solve(const std::int64_t* sample, Model* models) const {
    double p[14], q[14];
    gather<2>(*this, sample, p, q);
    return seven_point(p, q, models);
  }
};

}  // namespace

RansacResult estimate_fundamental(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                  const RansacOptions& options, Matrix3* fundamental, bool* inliers) {
  const Similarity2 s1 = normalizing_similarity(points1), s2 = normalizing_similarity(points2);
  FundamentalProblem problem(points1.rows, options.threshold);
  polled_for(points1.rows, [&](std::int64_t i) {
    set_points(problem, i, points1[i], s1, points2[i], s2);
    problem.set(i, 4, s1.scale * s1.scale);
    problem.set(i, 5, s2.scale * s2.scale);
  });
  Matrix3 normalized;
  const RansacResult result = solve_robustly(problem, options, &normalized, inliers);
  *fundamental = unit_norm(s2.matrix().transpose() * as_matrix(normalized) * s1.matrix());
  return result;
}

}  // namespace fastcv::geometry
