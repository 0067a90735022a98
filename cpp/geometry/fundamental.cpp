// SPDX-License-Identifier: Apache-2.0
// Seven and eight points. Source: Hartley & Zisserman 2004, algorithm 11.1 and section 11.1.2.
#include "geometry/fundamental.h"

#include "geometry/eigen.h"
#include "geometry/polynomial.h"

namespace fastcv::geometry {
namespace {

constexpr double kUniqueGap = 1e-10;  // relative to the largest singular value

}  // namespace

int seven_point(const double* points1, const double* points2, Matrix3* fundamentals) {
  Eigen::Matrix<double, 9, 7> transposed;
  for (int n = 0; n < 7; ++n) {
    const double *p = points1 + 2 * n, *q = points2 + 2 * n;
    transposed.col(n) << q[0] * p[0], q[0] * p[1], q[0], q[1] * p[0], q[1] * p[1], q[1], p[0], p[1], 1.0;
  }
  const Eigen::HouseholderQR<Eigen::Matrix<double, 9, 7>> qr(transposed);
  Eigen::Matrix<double, 9, 2> basis = Eigen::Matrix<double, 9, 9>::Identity().rightCols<2>();
  basis.applyOnTheLeft(qr.householderQ());
  // det(A + x B) = 0; by columns of A and B, which are rows of F: transposing leaves the determinant.
  Eigen::Matrix3d a, b;
  for (int k = 0; k < 9; ++k) {
    a(k % 3, k / 3) = basis(k, 0);
    b(k % 3, k / 3) = basis(k, 1);
  }
  const auto triple = [](const auto& u, const auto& v, const auto& w) { return u.dot(v.cross(w)); };
  const auto a0 = a.col(0), a1 = a.col(1), a2 = a.col(2), b0 = b.col(0), b1 = b.col(1), b2 = b.col(2);
  const double c[4] = {triple(a0, a1, a2), triple(b0, a1, a2) + triple(a0, b1, a2) + triple(a0, a1, b2),
                       triple(a0, b1, b2) + triple(b0, a1, b2) + triple(b0, b1, a2), triple(b0, b1, b2)};
  double roots[3];
  const int num_roots = solve_cubic(c, roots);
  int count = 0;
  for (int k = 0; k < num_roots; ++k) {
    const Eigen::Matrix<double, 9, 1> f = (basis.col(0) + roots[k] * basis.col(1)).normalized();
    if (!f.allFinite()) continue;
    for (int i = 0; i < 9; ++i) fundamentals[count][i] = f(i);
    ++count;
  }
  return count;
}

bool eight_point(Rows<const double, 2> points1, Rows<const double, 2> points2, Matrix3* fundamental) {
  const Similarity2 s1 = normalizing_similarity(points1), s2 = normalizing_similarity(points2);
  Eigen::MatrixXd a(points1.rows, 9);
  for (std::int64_t i = 0; i < points1.rows; ++i) {
    const double x = s1.scale * (points1[i][0] - s1.x), y = s1.scale * (points1[i][1] - s1.y);
    const double u = s2.scale * (points2[i][0] - s2.x), v = s2.scale * (points2[i][1] - s2.y);
    a.row(i) << u * x, u * y, u, v * x, v * y, v, x, y, 1.0;
  }
  const NullVector solution = null_vector(a);
  if (!(solution.gap > kUniqueGap)) return false;
  const Eigen::Matrix3d f = Eigen::Map<const RowMatrix3>(solution.vector.data());
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(f, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const Eigen::Vector3d rank_two(svd.singularValues()(0), svd.singularValues()(1), 0.0);
  const Eigen::Matrix3d singular = svd.matrixU() * rank_two.asDiagonal() * svd.matrixV().transpose();
  const Eigen::Matrix3d in_pixels = s2.matrix().transpose() * singular * s1.matrix();
  *fundamental = as_model(in_pixels / in_pixels.norm());
  return true;
}

}  // namespace fastcv::geometry
