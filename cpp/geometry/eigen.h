// SPDX-License-Identifier: Apache-2.0
// Eigen types for the solvers, and the two steps that all direct linear methods share: moving points to a good
// numerical range and finding a null vector. For cpp/geometry/*.cpp only: never include it in a leaf.
#pragma once

#include <Eigen/Dense>
#include <cmath>

#include "core/view.h"
#include "geometry/model.h"

namespace fastcv::geometry {

using RowMatrix3 = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;
using RowMatrix34 = Eigen::Matrix<double, 3, 4, Eigen::RowMajor>;

inline Eigen::Map<const RowMatrix3> as_matrix(const Matrix3& m) { return Eigen::Map<const RowMatrix3>(m.data()); }
inline Eigen::Map<const RowMatrix34> as_matrix(const Pose& m) { return Eigen::Map<const RowMatrix34>(m.data()); }

inline Matrix3 as_model(const Eigen::Matrix3d& m) {
  Matrix3 result;
  Eigen::Map<RowMatrix3>(result.data()) = m;
  return result;
}
inline Pose as_model(const Eigen::Matrix3d& rotation, const Eigen::Vector3d& translation) {
  Pose result;
  Eigen::Map<RowMatrix34>(result.data()) << rotation, translation;
  return result;
}

// [v]ₓ: skew(v) w = v × w.
inline Eigen::Matrix3d skew(const Eigen::Vector3d& v) {
  Eigen::Matrix3d m;
  m << 0.0, -v.z(), v.y(), v.z(), 0.0, -v.x(), -v.y(), v.x(), 0.0;
  return m;
}

// exp([w]ₓ), Rodrigues' formula.
inline Eigen::Matrix3d rotation_from_angle_axis(const Eigen::Vector3d& w) {
  const double angle = w.norm();
  if (angle < 1e-12) return Eigen::Matrix3d::Identity() + skew(w);
  return Eigen::AngleAxisd(angle, w / angle).toRotationMatrix();
}

// x_normalised = scale (x - centre): centroid at 0, mean distance √2. Hartley 1997, "In defense of the eight-point
// algorithm".
struct Similarity2 {
  double scale, x, y;

  Eigen::Matrix3d matrix() const {
    Eigen::Matrix3d m;
    m << scale, 0.0, -scale * x, 0.0, scale, -scale * y, 0.0, 0.0, 1.0;
    return m;
  }
};

inline Similarity2 normalizing_similarity(Rows<const double, 2> points) {
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

// The unit vector that A makes smallest, from A's QR decomposition, which unlike AᵀA keeps all digits. gap is how far
// the second smallest singular value lies above zero, relative to the largest: near zero the vector is not unique.
struct NullVector {
  Eigen::VectorXd vector;
  double gap;
};

inline NullVector null_vector(const Eigen::MatrixXd& a) {
  const Eigen::Index n = a.cols();
  Eigen::MatrixXd square = Eigen::MatrixXd::Zero(n, n);
  if (a.rows() > n) {
    square = Eigen::HouseholderQR<Eigen::MatrixXd>(a).matrixQR().topRows(n).template triangularView<Eigen::Upper>();
  } else {
    square.topRows(a.rows()) = a;
  }
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(square, Eigen::ComputeFullV);
  return {svd.matrixV().col(n - 1), svd.singularValues()(n - 2) / svd.singularValues()(0)};
}

}  // namespace fastcv::geometry
