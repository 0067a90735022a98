// SPDX-License-Identifier: Apache-2.0
// The parts of eigen.h that take long to compile.
#include "geometry/eigen.h"

#include "core/interrupt.h"

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
  polled_for(points.rows, [&](std::int64_t i) {
    s.x += points[i][0] / n;
    s.y += points[i][1] / n;
  });
  double distance = 0.0;
  polled_for(points.rows, [&](std::int64_t i) { distance += std::hypot(points[i][0] - s.x, points[i][1] - s.y) / n; });
  if (distance > 0.0) s.scale = std::sqrt(2.0) / distance;
  return s;
}

void RowTriangle::reduce() {
  const Eigen::Index n = rows_.cols();
  const Eigen::MatrixXd triangle =
      Eigen::HouseholderQR<Eigen::MatrixXd>(rows_.topRows(count_)).matrixQR().topRows(n).triangularView<Eigen::Upper>();
  rows_.topRows(n) = triangle;
  count_ = n;
}

NullVector RowTriangle::null_vector() {
  const Eigen::Index n = rows_.cols();
  if (count_ > n) reduce();
  Eigen::MatrixXd square = Eigen::MatrixXd::Zero(n, n);
  square.topRows(count_) = rows_.topRows(count_);
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(square, Eigen::ComputeFullV);
  return {svd.matrixV().col(n - 1), svd.singularValues()(n - 2) / svd.singularValues()(0)};
}

}  // namespace fastcv::geometry
