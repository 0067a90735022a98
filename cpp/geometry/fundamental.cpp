// SPDX-License-Identifier: Apache-2.0
// Seven and eight points. Source: Hartley & Zisserman 2004, algorithm 11.1 and section 11.1.2.
#include "geometry/fundamental.h"

#include "core/interrupt.h"
#include "geometry/eigen.h"
#include "geometry/null_space.h"
#include "geometry/polynomial.h"

namespace fastcv::geometry {
namespace {

constexpr double kUniqueGap = 1e-10;  // relative to the largest singular value

double triple_product(const double* u, const double* v, const double* w) {
  return u[0] * (v[1] * w[2] - v[2] * w[1]) + u[1] * (v[2] * w[0] - v[0] * w[2]) + u[2] * (v[0] * w[1] - v[1] * w[0]);
}

}  // namespace

int seven_point(const double* points1, const double* points2, Matrix3* fundamentals) {
  double equations[7][9], basis[2][9];
  for (int n = 0; n < 7; ++n) {
    const double p[3] = {points1[2 * n], points1[2 * n + 1], 1.0}, q[3] = {points2[2 * n], points2[2 * n + 1], 1.0};
    for (int k = 0; k < 9; ++k) equations[n][k] = q[k / 3] * p[k % 3];
  }
  null_space(equations, basis);
  // det(A + x B) = 0 by the rows of both.
  const double* rows[2][3];
  for (int m = 0; m < 2; ++m) {
    for (int i = 0; i < 3; ++i) rows[m][i] = basis[m] + 3 * i;
  }
  double c[4] = {};
  for (int choice = 0; choice < 8; ++choice) {  // bit i: row i comes from B
    const int i = choice & 1, j = (choice >> 1) & 1, k = choice >> 2;
    c[i + j + k] += triple_product(rows[i][0], rows[j][1], rows[k][2]);
  }
  double roots[3];
  const int num_roots = solve_cubic(c, roots);
  int count = 0;
  for (int n = 0; n < num_roots; ++n) {
    const double inv_norm = 1.0 / std::sqrt(1.0 + roots[n] * roots[n]);  // the basis is orthonormal
    if (!std::isfinite(roots[n])) continue;
    for (int k = 0; k < 9; ++k) fundamentals[count][k] = (basis[0][k] + roots[n] * basis[1][k]) * inv_norm;
    ++count;
  }
  return count;
}

bool eight_point(Rows<const double, 2> points1, Rows<const double, 2> points2, Matrix3* fundamental) {
  const Similarity2 s1 = normalizing_similarity(points1), s2 = normalizing_similarity(points2);
  RowTriangle a(9);
  polled_for(points1.rows, [&](std::int64_t i) {
    const double x = s1.scale * (points1[i][0] - s1.x), y = s1.scale * (points1[i][1] - s1.y);
    const double u = s2.scale * (points2[i][0] - s2.x), v = s2.scale * (points2[i][1] - s2.y);
    a.add(Eigen::Matrix<double, 1, 9>{u * x, u * y, u, v * x, v * y, v, x, y, 1.0});
  });
  const NullVector solution = a.null_vector();
  if (!(solution.gap > kUniqueGap)) return false;
  const Eigen::Matrix3d f = Eigen::Map<const RowMatrix3>(solution.vector.data());
  const Svd3 svd = svd3(f);
  const Eigen::Vector3d rank_two(svd.s(0), svd.s(1), 0.0);
  const Eigen::Matrix3d singular = svd.u * rank_two.asDiagonal() * svd.v.transpose();
  const Eigen::Matrix3d in_pixels = s2.matrix().transpose() * singular * s1.matrix();
  *fundamental = as_model(in_pixels / in_pixels.norm());
  return true;
}

}  // namespace fastcv::geometry
