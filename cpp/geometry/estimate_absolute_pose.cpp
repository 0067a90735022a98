// SPDX-License-Identifier: Apache-2.0
// Robust camera pose.
#include "geometry/absolute_pose.h"
#include "geometry/eigen.h"
#include "geometry/estimate.h"
#include "geometry/problem.h"

namespace fastcv::geometry {
namespace {

struct PoseProblem : RobustProblem<Residual::reprojection, generic::Reprojection, PoseManifold> {
  using RobustProblem::RobustProblem;
  static constexpr int kSample = 3, kMaxModels = kMaxP3pPoses;

  int solve(const std::int64_t* sample, Model* models) const {
    double rays[9], points[9];
    for (int n = 0; n < 3; ++n) {
      for (int k = 0; k < 3; ++k) points[3 * n + k] = (*this)(sample[n], k);
      for (int k = 0; k < 2; ++k) rays[3 * n + k] = (*this)(sample[n], 3 + k);
      rays[3 * n + 2] = 1.0;
    }
    return p3p(rays, points, models);
  }
};

}  // namespace

RansacResult estimate_absolute_pose(Rows<const double, 2> points2D, Rows<const double, 3> points3D,
                                    const double* weights, const RansacOptions& options, Pose* cam_from_world,
                                    bool* inliers) {
  // Centred, so that single precision suffices for scoring wherever the world's origin is.
  Eigen::Vector3d center = Eigen::Vector3d::Zero();
  const double n = static_cast<double>(points3D.rows);
  polled_for(points3D.rows, [&](std::int64_t i) { center += Eigen::Map<const Eigen::Vector3d>(points3D[i]) / n; });
  PoseProblem problem(points2D.rows, options.threshold);
  polled_for(points2D.rows, [&](std::int64_t i) {
    for (int k = 0; k < 3; ++k) problem.set(i, k, points3D[i][k] - center(k));
    for (int k = 0; k < 2; ++k) problem.set(i, 3 + k, points2D[i][k]);
    problem.set(i, 5, weights[i]);
  });
  Pose centered;
  const RansacResult result = solve_robustly(problem, options, &centered, inliers);
  const Eigen::Matrix3d rotation = as_matrix(centered).leftCols<3>();
  *cam_from_world = as_model(rotation, as_matrix(centered).col(3) - rotation * center);
  return result;
}

}  // namespace fastcv::geometry
