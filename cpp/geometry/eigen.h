// SPDX-License-Identifier: Apache-2.0
// Eigen types for the solvers, and what they share: singular values, moving points to a good numerical range, a null
// vector. For cpp/geometry/*.cpp only: never include it in a leaf.
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
Eigen::Matrix3d rotation_from_angle_axis(const Eigen::Vector3d& w);

// m = u diag(s) vᵀ, singular values descending. Defined once: Eigen's templates are slow to compile.
struct Svd3 {
  Eigen::Matrix3d u, v;
  Eigen::Vector3d s;
};
Svd3 svd3(const Eigen::Matrix3d& m);

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

Similarity2 normalizing_similarity(Rows<const double, 2> points);

// The unit vector that A makes smallest. gap is how far the second smallest singular value lies above zero, relative to
// the largest: near zero the vector is not unique.
struct NullVector {
  Eigen::VectorXd vector;
  double gap;
};

// Takes A row by row and keeps the triangle of its QR decomposition, which unlike AᵀA keeps all digits. Blocks of rows
// are reduced together with the triangle so far (Golub & Van Loan 2013, section 5.2.5), so memory does not grow.
class RowTriangle {
 public:
  explicit RowTriangle(Eigen::Index num_columns) : rows_(1024, num_columns) {}
  void add(const Eigen::Ref<const Eigen::RowVectorXd>& row) {
    if (count_ == rows_.rows()) reduce();
    rows_.row(count_++) = row;
  }
  NullVector null_vector();

 private:
  void reduce();
  Eigen::MatrixXd rows_;
  Eigen::Index count_ = 0;
};

}  // namespace fastcv::geometry
