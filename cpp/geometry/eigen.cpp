// SPDX-License-Identifier: Apache-2.0
// The parts of eigen.h that take long to compile.
#include "geometry/eigen.h"

namespace fastcv::geometry {

Eigen::Matrix3d rotation_from_angle_axis(const Eigen::Vector3d& w) {
  const double angle = w.norm();
  if (angle < 1e-12) return Eigen::Matrix3d::Identity() + skew(w);
  return Eigen::AngleAxisd(angle, w / angle).toRotationMatrix();
}

Svd3 svd3(const Eigen::Matrix3d& m) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(m, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return {svd.matrixU(), svd.matrixV(), svd.singularValues()};
}

Similarity2 normalizing_similarity(Rows<const double, 2> points) {
  const double n = static_cast<double>(points.rows);
  Similarity2 s{1.0, 0.0, 0.0};
  for (std::int64_t i = 0; i < points.rows; ++i) {
    s.x += points[i][0] / n;
    s.y += points[i][1] / n;
  }
  double distance = 0.0;
  for (std::int64_t i = 0; i < points.rows; ++i) distance += std::hypot(points[i][0] - s.x, points[i][1] - s.y) / n;
  if (distance > 0.0) s.scale = std::sqrt(2.0) / distance;
  return s;
}

// By way of A's QR decomposition, which unlike AᵀA keeps all digits.
NullVector null_vector(const Eigen::MatrixXd& a) {
  const Eigen::Index n = a.cols();
  Eigen::MatrixXd square = Eigen::MatrixXd::Zero(n, n);
  if (a.rows() > n) {
    square = Eigen::HouseholderQR<Eigen::MatrixXd>(a).matrixQR().topRows(n).triangularView<Eigen::Upper>();
  } else {
    square.topRows(a.rows()) = a;
  }
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(square, Eigen::ComputeFullV);
  return {svd.matrixV().col(n - 1), svd.singularValues()(n - 2) / svd.singularValues()(0)};
}

}  // namespace fastcv::geometry
