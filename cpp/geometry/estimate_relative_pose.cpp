// SPDX-License-Identifier: Apache-2.0
// Robust relative pose.
#include "geometry/essential.h"
#include "geometry/estimate.h"
#include "geometry/five_point.h"
#include "geometry/problem.h"

namespace fastcv::geometry {
namespace {

struct EssentialProblem : RobustProblem<Residual::sampson, generic::Sampson, EssentialManifold> {
  using RobustProblem::RobustProblem;
  static constexpr int kSample = 5, kMaxModels = kMaxEssentials;

  int solve(const std::int64_t* sample, Model* models) const {
    double p[15], q[15];
    gather<3>(*this, sample, p, q);
    return five_point(p, q, models);
  }
};

}  // namespace

RansacResult estimate_relative_pose(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                    const double* weights1, const double* weights2, const RansacOptions& options,
                                    Matrix3* essential, Pose* cam2_from_cam1, bool* inliers) {
  constexpr Similarity2 kIdentity{1.0, 0.0, 0.0};
  EssentialProblem problem(points1.rows, options.threshold);
  polled_for(points1.rows, [&](std::int64_t i) {
    set_points(problem, i, points1[i], kIdentity, points2[i], kIdentity);
    problem.set(i, 4, 1.0 / (weights1[i] * weights1[i]));
    problem.set(i, 5, 1.0 / (weights2[i] * weights2[i]));
  });
  RansacResult result = solve_robustly(problem, options, essential, inliers);
  cam2_from_cam1->fill(std::numeric_limits<double>::quiet_NaN());
  if (result.consensus.num_inliers == 0) return result;
  const auto visible = [&](const Pose& pose, std::int64_t i) {
    return inliers[i] &&
           in_front(pose, points1[i], points2[i], options.threshold * std::min(1.0 / weights1[i], 1.0 / weights2[i]));
  };
  Pose poses[4];
  decompose_essential(*essential, poses);
  std::int64_t most = -1;
  for (const Pose& pose : poses) {
    std::int64_t count = 0;
    polled_for(points1.rows, [&](std::int64_t i) { count += visible(pose, i); });
    if (count <= most) continue;
    most = count;
    *cam2_from_cam1 = pose;
  }
  polled_for(points1.rows, [&](std::int64_t i) { inliers[i] = visible(*cam2_from_cam1, i); });
  result.consensus.num_inliers = most;
  *essential = unit_norm(skew(as_matrix(*cam2_from_cam1).col(3)) * as_matrix(*cam2_from_cam1).leftCols<3>());
  return result;
}

}  // namespace fastcv::geometry
