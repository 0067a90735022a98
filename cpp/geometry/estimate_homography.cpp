// SPDX-License-Identifier: Apache-2.0
// Robust homography.
#include "geometry/estimate.h"
#include "geometry/homography.h"
#include "geometry/problem.h"

namespace fastcv::geometry {
namespace {

struct HomographyProblem : RobustProblem<Residual::transfer, generic::Transfer, HomographyManifold> {
  using RobustProblem::RobustProblem;
  static constexpr int kSample = 4, kMaxModels = 1;

  int solve(const std::int64_t* sample, Model* models) const {
    double p[8], q[8];
    gather<2>(*this, sample, p, q);
    return four_point(p, q, models) ? 1 : 0;
  }
};

}  // namespace

RansacResult estimate_homography(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                 const RansacOptions& options, Matrix3* homography, bool* inliers) {
  const Similarity2 s1 = normalizing_similarity(points1), s2 = normalizing_similarity(points2);
  HomographyProblem problem(points1.rows, options.threshold);
  polled_for(points1.rows, [&](std::int64_t i) {
    set_points(problem, i, points1[i], s1, points2[i], s2);
    problem.set(i, 4, 1.0 / s2.scale);
  });
  Matrix3 normalized;
  const RansacResult result = solve_robustly(problem, options, &normalized, inliers);
  *homography = unit_norm(s2.matrix().inverse() * as_matrix(normalized) * s1.matrix());
  return result;
}

}  // namespace fastcv::geometry
