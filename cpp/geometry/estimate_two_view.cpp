// SPDX-License-Identifier: Apache-2.0
// Robust fundamental matrix, homography and relative pose.
#include "geometry/eigen.h"
#include "geometry/essential.h"
#include "geometry/estimate.h"
#include "geometry/five_point.h"
#include "geometry/fundamental.h"
#include "geometry/homography.h"
#include "geometry/problem.h"

namespace fastcv::geometry {
namespace {

using generic::Sampson;
using generic::Transfer;

struct FundamentalProblem : RobustProblem<Residual::sampson, Sampson, FundamentalManifold> {
  using RobustProblem::RobustProblem;
  static constexpr int kSample = 7, kMaxModels = kMaxFundamentals;

  int solve(const std::int64_t* sample, Model* models) const {
    double p[14], q[14];
    for (int n = 0; n < 7; ++n) {
      for (int k = 0; k < 2; ++k) {
        p[2 * n + k] = (*this)(sample[n], k);
        q[2 * n + k] = (*this)(sample[n], 2 + k);
      }
    }
    return seven_point(p, q, models);
  }
};

struct HomographyProblem : RobustProblem<Residual::transfer, Transfer, HomographyManifold> {
  using RobustProblem::RobustProblem;
  static constexpr int kSample = 4, kMaxModels = 1;

  int solve(const std::int64_t* sample, Model* models) const {
    double p[8], q[8];
    for (int n = 0; n < 4; ++n) {
      for (int k = 0; k < 2; ++k) {
        p[2 * n + k] = (*this)(sample[n], k);
        q[2 * n + k] = (*this)(sample[n], 2 + k);
      }
    }
    return four_point(p, q, models) ? 1 : 0;
  }
};

struct EssentialProblem : RobustProblem<Residual::sampson, Sampson, EssentialManifold> {
  using RobustProblem::RobustProblem;
  static constexpr int kSample = 5, kMaxModels = kMaxEssentials;

  int solve(const std::int64_t* sample, Model* models) const {
    double p[15], q[15];
    for (int n = 0; n < 5; ++n) {
      for (int k = 0; k < 2; ++k) {
        p[3 * n + k] = (*this)(sample[n], k);
        q[3 * n + k] = (*this)(sample[n], 2 + k);
      }
      p[3 * n + 2] = q[3 * n + 2] = 1.0;
    }
    return five_point(p, q, models);
  }
};

template <class Problem>
void set_points(Problem& problem, std::int64_t i, const double* p, const Similarity2& s1, const double* q,
                const Similarity2& s2) {
  problem.set(i, 0, s1.scale * (p[0] - s1.x));
  problem.set(i, 1, s1.scale * (p[1] - s1.y));
  problem.set(i, 2, s2.scale * (q[0] - s2.x));
  problem.set(i, 3, s2.scale * (q[1] - s2.y));
}

Matrix3 unit_norm(const Eigen::Matrix3d& m) { return as_model(m / m.norm()); }

}  // namespace

RansacResult estimate_fundamental(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                  const RansacOptions& options, Matrix3* fundamental, bool* inliers) {
  const Similarity2 s1 = normalizing_similarity(points1), s2 = normalizing_similarity(points2);
  FundamentalProblem problem(points1.rows, options.threshold);
  for (std::int64_t i = 0; i < points1.rows; ++i) {
    set_points(problem, i, points1[i], s1, points2[i], s2);
    problem.set(i, 4, s1.scale * s1.scale);
    problem.set(i, 5, s2.scale * s2.scale);
  }
  Matrix3 normalized;
  const RansacResult result = solve_robustly(problem, options, &normalized, inliers);
  *fundamental = unit_norm(s2.matrix().transpose() * as_matrix(normalized) * s1.matrix());
  return result;
}

RansacResult estimate_homography(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                 const RansacOptions& options, Matrix3* homography, bool* inliers) {
  const Similarity2 s1 = normalizing_similarity(points1), s2 = normalizing_similarity(points2);
  HomographyProblem problem(points1.rows, options.threshold);
  for (std::int64_t i = 0; i < points1.rows; ++i) {
    set_points(problem, i, points1[i], s1, points2[i], s2);
    problem.set(i, 4, 1.0 / s2.scale);
  }
  Matrix3 normalized;
  const RansacResult result = solve_robustly(problem, options, &normalized, inliers);
  *homography = unit_norm(s2.matrix().inverse() * as_matrix(normalized) * s1.matrix());
  return result;
}

RansacResult estimate_relative_pose(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                    const double* weights1, const double* weights2, const RansacOptions& options,
                                    Matrix3* essential, Pose* cam2_from_cam1, bool* inliers) {
  constexpr Similarity2 kIdentity{1.0, 0.0, 0.0};
  EssentialProblem problem(points1.rows, options.threshold);
  for (std::int64_t i = 0; i < points1.rows; ++i) {
    set_points(problem, i, points1[i], kIdentity, points2[i], kIdentity);
    problem.set(i, 4, 1.0 / (weights1[i] * weights1[i]));
    problem.set(i, 5, 1.0 / (weights2[i] * weights2[i]));
  }
  RansacResult result = solve_robustly(problem, options, essential, inliers);
  cam2_from_cam1->fill(std::numeric_limits<double>::quiet_NaN());
  if (result.consensus.num_inliers == 0) return result;
  const auto visible = [&](const Pose& pose, std::int64_t i) {
    return inliers[i] && in_front(pose, points1[i], points2[i], options.threshold * std::min(1.0 / weights1[i], 1.0 / weights2[i]));
  };
  Pose poses[4];
  decompose_essential(*essential, poses);
  std::int64_t most = -1;
  for (const Pose& pose : poses) {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < points1.rows; ++i) count += visible(pose, i);
    if (count <= most) continue;
    most = count;
    *cam2_from_cam1 = pose;
  }
  for (std::int64_t i = 0; i < points1.rows; ++i) inliers[i] = visible(*cam2_from_cam1, i);
  result.consensus.num_inliers = most;
  *essential = unit_norm(skew(as_matrix(*cam2_from_cam1).col(3)) * as_matrix(*cam2_from_cam1).leftCols<3>());
  return result;
}

}  // namespace fastcv::geometry
