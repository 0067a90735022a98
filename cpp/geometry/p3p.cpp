// SPDX-License-Identifier: Apache-2.0
// Perspective-three-point by intersecting two conics of distance ratios. Sources: Persson & Nordberg 2018, "Lambda
// Twist: an accurate fast robust perspective three point (P3P) solver" for the equations and the Gauss-Newton polish;
// Richter-Gebert 2011, "Perspectives on Projective Geometry", section 11.4, for splitting a degenerate conic.
#include "geometry/absolute_pose.h"
#include "geometry/eigen.h"
#include "geometry/polynomial.h"

namespace fastcv::geometry {
namespace {

using Eigen::Matrix3d;
using Eigen::Vector3d;

// Squared distances a and cosines b between the pairs (1,2), (1,3), (2,3). Distances s along the rays satisfy
// s_i² + s_j² - 2 b_ij s_i s_j = a_ij.
struct Triangle {
  double a12, a13, a23, b12, b13, b23;

  Vector3d residual(const Vector3d& s) const {
    return {s(0) * s(0) + s(1) * s(1) - 2.0 * b12 * s(0) * s(1) - a12,
            s(0) * s(0) + s(2) * s(2) - 2.0 * b13 * s(0) * s(2) - a13,
            s(1) * s(1) + s(2) * s(2) - 2.0 * b23 * s(1) * s(2) - a23};
  }
  Matrix3d jacobian(const Vector3d& s) const {
    Matrix3d j;
    j << s(0) - b12 * s(1), s(1) - b12 * s(0), 0.0, s(0) - b13 * s(2), 0.0, s(2) - b13 * s(0), 0.0, s(1) - b23 * s(2),
        s(2) - b23 * s(1);
    return 2.0 * j;
  }
};

Matrix3d adjugate(const Matrix3d& m) {  // of a symmetric matrix
  Matrix3d result;
  result.col(0) = m.col(1).cross(m.col(2));
  result.col(1) = m.col(2).cross(m.col(0));
  result.col(2) = m.col(0).cross(m.col(1));
  return result;
}

// Splits a degenerate conic into its two lines, false where they are complex.
bool split(const Matrix3d& conic, Vector3d* lines) {
  const Matrix3d b = -adjugate(conic);  // p pᵀ for the lines' intersection p
  int i;
  const double largest = b.diagonal().maxCoeff(&i);
  if (!(largest > 0.0)) return false;
  const Matrix3d rank_one = conic + skew(b.col(i) / std::sqrt(largest));
  int row, column;
  rank_one.cwiseAbs().maxCoeff(&row, &column);
  lines[0] = rank_one.row(row).transpose();
  lines[1] = rank_one.col(column);
  return true;
}

// Points where a line meets a conic, up to scale.
int intersect(const Vector3d& line, const Matrix3d& conic, Vector3d* points) {
  int k;
  line.cwiseAbs().maxCoeff(&k);
  const Vector3d u = line.cross(Vector3d::Unit((k + 1) % 3)).normalized(), v = line.cross(u).normalized();
  double roots[2];
  const int n = solve_quadratic(v.dot(conic * v), 2.0 * u.dot(conic * v), u.dot(conic * u), roots);
  for (int i = 0; i < n; ++i) points[i] = u + roots[i] * v;
  return n;
}

// Distances along the rays that solve the three equations; returns their number.
int solve_distances(const Triangle& t, Vector3d* distances) {
  Matrix3d d1, d2;  // eliminating the constants: M12 a23 - M23 a12 and M13 a23 - M23 a13
  d1 << t.a23, -t.a23 * t.b12, 0.0, -t.a23 * t.b12, t.a23 - t.a12, t.a12 * t.b23, 0.0, t.a12 * t.b23, -t.a12;
  d2 << t.a23, 0.0, -t.a23 * t.b13, 0.0, -t.a13, t.a13 * t.b23, -t.a23 * t.b13, t.a13 * t.b23, t.a23 - t.a13;
  const Matrix3d adjugate1 = adjugate(d1), adjugate2 = adjugate(d2);
  const double c[4] = {d1.col(0).dot(adjugate1.col(0)), adjugate1.cwiseProduct(d2).sum(),
                       adjugate2.cwiseProduct(d1).sum(), d2.col(0).dot(adjugate2.col(0))};
  double roots[3];
  const int num_roots = solve_cubic(c, roots);
  Vector3d lines[2];
  int root = 0;
  while (root < num_roots && !split(d1 + roots[root] * d2, lines)) ++root;
  if (root == num_roots) return 0;
  int count = 0;
  for (const Vector3d& line : lines) {
    Vector3d candidates[2];
    const int n = intersect(line, d1, candidates);
    for (int i = 0; i < n; ++i) {
      Vector3d s = candidates[i].sum() < 0.0 ? Vector3d(-candidates[i]) : candidates[i];
      if (!(s.minCoeff() > 0.0)) continue;
      const double total = t.a12 + t.a13 + t.a23;
      s *= std::sqrt(total / (t.residual(s).sum() + total));
      for (int step = 0; step < 3; ++step) s -= t.jacobian(s).inverse() * t.residual(s);
      if (s.allFinite() && s.minCoeff() > 0.0) distances[count++] = s;
    }
  }
  return count;
}

}  // namespace

int p3p(const double* rays, const double* points, Pose* poses) {
  Matrix3d y, x;
  for (int k = 0; k < 3; ++k) {
    y.col(k) = Vector3d(rays[3 * k], rays[3 * k + 1], rays[3 * k + 2]).normalized();
    x.col(k) << points[3 * k], points[3 * k + 1], points[3 * k + 2];
  }
  const Vector3d x12 = x.col(0) - x.col(1), x13 = x.col(0) - x.col(2);
  const Triangle triangle{x12.squaredNorm(),      x13.squaredNorm(),      (x.col(1) - x.col(2)).squaredNorm(),
                          y.col(0).dot(y.col(1)), y.col(0).dot(y.col(2)), y.col(1).dot(y.col(2))};
  Matrix3d frame;
  frame << x12, x13, x12.cross(x13);
  if (!(frame.col(2).squaredNorm() > 1e-20 * triangle.a12 * triangle.a13)) return 0;  // collinear
  const Matrix3d inverse_frame = frame.inverse();
  Vector3d distances[kMaxP3pPoses];
  const int n = solve_distances(triangle, distances);
  int count = 0;
  for (int i = 0; i < n; ++i) {
    const Vector3d &s = distances[i], p = s(0) * y.col(0);
    const Vector3d y12 = p - s(1) * y.col(1), y13 = p - s(2) * y.col(2);
    Matrix3d frame_in_cam;
    frame_in_cam << y12, y13, y12.cross(y13);
    const Matrix3d rotation = frame_in_cam * inverse_frame;
    // The polish did not converge where the distances do not keep the triangle's shape.
    if (!((rotation.transpose() * rotation - Matrix3d::Identity()).squaredNorm() < 1e-8)) continue;
    poses[count++] = as_model(rotation, p - rotation * x.col(0));
  }
  return count;
}

}  // namespace fastcv::geometry
