// SPDX-License-Identifier: Apache-2.0
// Decomposition and cheirality.
#include "geometry/essential.h"

#include "geometry/eigen.h"

namespace fastcv::geometry {

void decompose_essential(const Matrix3& essential, Pose* poses) {
  const Svd3 svd = svd3(as_matrix(essential));
  Eigen::Matrix3d u = svd.u, v = svd.v;
  if (u.determinant() < 0.0) u = -u;
  if (v.determinant() < 0.0) v = -v;
  Eigen::Matrix3d w;
  w << 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0;
  const Eigen::Vector3d t = u.col(2);
  for (int k = 0; k < 2; ++k) {
    const Eigen::Matrix3d r = u * w * v.transpose();
    poses[2 * k] = as_model(r, t);
    poses[2 * k + 1] = as_model(r, -t);
    w.transposeInPlace();
  }
}

bool in_front(const Pose& cam2_from_cam1, const double* ray1, const double* ray2, double min_parallax) {
  const auto pose = as_matrix(cam2_from_cam1);
  const Eigen::Vector3d a = pose.leftCols<3>() * Eigen::Vector3d(ray1[0], ray1[1], 1.0);
  const Eigen::Vector3d b(ray2[0], ray2[1], 1.0), t = pose.col(3);
  // depth2 b = depth1 a + t; crossed with b and with a.
  const Eigen::Vector3d normal = a.cross(b);
  if (normal.squaredNorm() <= min_parallax * min_parallax * a.squaredNorm() * b.squaredNorm()) return a.dot(b) > 0.0;
  return t.cross(b).dot(normal) < 0.0 && a.cross(t).dot(normal) > 0.0;
}

}  // namespace fastcv::geometry
