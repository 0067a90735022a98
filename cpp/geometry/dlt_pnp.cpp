// SPDX-License-Identifier: Apache-2.0
// Linear camera resectioning for known intrinsics. Source: Hartley & Zisserman 2004, section 7.1.
#include "core/interrupt.h"
#include "geometry/absolute_pose.h"
#include "geometry/eigen.h"

namespace fastcv::geometry {

bool dlt_pnp(Rows<const double, 2> points2D, Rows<const double, 3> points3D, Pose* pose) {
  constexpr double kUniqueGap = 1e-10;  // relative to the largest singular value
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, 3, Eigen::RowMajor>> world(points3D.data, points3D.rows,
                                                                                          3);
  const double n = static_cast<double>(points3D.rows);
  Eigen::RowVector3d center = Eigen::RowVector3d::Zero();
  polled_for(points3D.rows, [&](std::int64_t i) { center += world.row(i) / n; });
  double radius = 0.0;
  polled_for(points3D.rows, [&](std::int64_t i) { radius += (world.row(i) - center).norm() / n; });
  if (!(radius > 0.0)) return false;
  const Similarity2 s = normalizing_similarity(points2D);
  RowTriangle a(12);
  polled_for(points2D.rows, [&](std::int64_t i) {
    Eigen::RowVector4d p;
    p << (world.row(i) - center) / radius, 1.0;
    const double x = s.scale * (points2D[i][0] - s.x), y = s.scale * (points2D[i][1] - s.y);
    Eigen::Matrix<double, 1, 12> row;
    row << p, Eigen::RowVector4d::Zero(), -x * p;
    a.add(row);
    row << Eigen::RowVector4d::Zero(), p, -y * p;
    a.add(row);
  });
  const NullVector solution = a.null_vector();
  if (!(solution.gap > kUniqueGap)) return false;
  const Eigen::Matrix<double, 3, 4> projection =
      s.matrix().inverse() * Eigen::Map<const RowMatrix34>(solution.vector.data());
  // projection ~ [R | t'] up to scale and sign: the nearest rotation, with the sign that makes it one.
  const Eigen::Matrix3d left = projection.leftCols<3>();
  const Svd3 svd = svd3(left);
  const double sign = (svd.u * svd.v.transpose()).determinant() < 0.0 ? -1.0 : 1.0;
  const Eigen::Matrix3d rotation = sign * svd.u * svd.v.transpose();
  const double scale = sign * svd.s.mean();
  const Eigen::Vector3d translation = projection.col(3) * (radius / scale) - rotation * center.transpose();
  *pose = as_model(rotation, translation);
  return translation.allFinite();
}

}  // namespace fastcv::geometry
