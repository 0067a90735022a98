// SPDX-License-Identifier: Apache-2.0
// Four-point and linear homographies. Source: Hartley & Zisserman 2004, algorithm 4.2.
#include "geometry/homography.h"

#include "core/interrupt.h"
#include "geometry/eigen.h"

namespace fastcv::geometry {
namespace {

constexpr double kUniqueGap = 1e-10;  // relative to the largest singular value

// Twice the signed area of the triangle of points i, j, k.
double area(const double* p, int i, int j, int k) {
  const double ax = p[2 * j] - p[2 * i], ay = p[2 * j + 1] - p[2 * i + 1];
  const double bx = p[2 * k] - p[2 * i], by = p[2 * k + 1] - p[2 * i + 1];
  return ax * by - ay * bx;
}

// The map of the projective basis (1,0,0), (0,1,0), (0,0,1), (1,1,1) to four points.
Eigen::Matrix3d from_basis(const double* p) {
  // Cramer's rule for the weights of the first three points that add up to the fourth.
  const double w[3] = {area(p, 1, 2, 3), area(p, 2, 0, 3), area(p, 0, 1, 3)};
  Eigen::Matrix3d m;
  for (int k = 0; k < 3; ++k) m.col(k) << w[k] * p[2 * k], w[k] * p[2 * k + 1], w[k];
  return m;
}

}  // namespace

bool four_point(const double* points1, const double* points2, Matrix3* homography) {
  constexpr int kTriangles[4][3] = {{0, 1, 2}, {1, 2, 3}, {2, 0, 3}, {0, 1, 3}};
  // A camera sees one side of a plane: the orientation of all four triangles is kept or all are mirrored
  // (Chum, Werner, Matas 2004, "Epipolar geometry estimation via RANSAC benefits from the oriented constraint").
  int kept = 0;
  for (const auto& t : kTriangles) {
    const double a1 = area(points1, t[0], t[1], t[2]), a2 = area(points2, t[0], t[1], t[2]);
    if (!(std::abs(a1) > 1e-9 && std::abs(a2) > 1e-9)) return false;
    kept += (a1 > 0.0) == (a2 > 0.0);
  }
  if (kept != 0 && kept != 4) return false;
  const Eigen::Matrix3d h = from_basis(points2) * from_basis(points1).inverse();
  const double norm = h.norm();
  if (!std::isfinite(norm) || norm == 0.0) return false;
  *homography = as_model(h / norm);
  return true;
}

bool dlt_homography(Rows<const double, 2> points1, Rows<const double, 2> points2, Matrix3* homography) {
  const Similarity2 s1 = normalizing_similarity(points1), s2 = normalizing_similarity(points2);
  RowTriangle a(9);
  polled_for(points1.rows, [&](std::int64_t i) {
    const double x = s1.scale * (points1[i][0] - s1.x), y = s1.scale * (points1[i][1] - s1.y);
    const double u = s2.scale * (points2[i][0] - s2.x), v = s2.scale * (points2[i][1] - s2.y);
    a.add(Eigen::Matrix<double, 1, 9>{x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, -u});
    a.add(Eigen::Matrix<double, 1, 9>{0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, -v});
  });
  const NullVector solution = a.null_vector();
  if (!(solution.gap > kUniqueGap)) return false;
  const Eigen::Matrix3d h = Eigen::Map<const RowMatrix3>(solution.vector.data());
  const Eigen::Matrix3d in_pixels = s2.matrix().inverse() * h * s1.matrix();
  *homography = as_model(in_pixels / in_pixels.norm());
  return true;
}

}  // namespace fastcv::geometry
