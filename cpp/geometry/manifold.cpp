// SPDX-License-Identifier: Apache-2.0
// Tangent spaces and steps.
#include "geometry/manifold.h"

#include "geometry/essential.h"

namespace fastcv::geometry {
namespace {

using Vector9 = Eigen::Matrix<double, 9, 1>;

Vector9 by_rows(const Eigen::Matrix3d& m) {
  Vector9 v;
  Eigen::Map<RowMatrix3>(v.data()) = m;
  return v;
}

// Two unit vectors orthogonal to the unit vector v and to each other.
Eigen::Matrix<double, 3, 2> orthogonal_plane(const Eigen::Vector3d& v) {
  int smallest;
  v.cwiseAbs().minCoeff(&smallest);
  Eigen::Matrix<double, 3, 2> plane;
  plane.col(0) = v.cross(Eigen::Vector3d::Unit(smallest)).normalized();
  plane.col(1) = v.cross(plane.col(0));
  return plane;
}

}  // namespace

EssentialManifold::EssentialManifold(const Matrix3& essential) {
  Pose poses[4];
  decompose_essential(essential, poses);
  rotation_ = as_matrix(poses[0]).leftCols<3>();
  translation_ = as_matrix(poses[0]).col(3);
}

Basis EssentialManifold::basis() const {
  const Eigen::Matrix3d essential = skew(translation_) * rotation_;
  const Eigen::Matrix<double, 3, 2> plane = orthogonal_plane(translation_);
  Basis b(9, 5);
  for (int k = 0; k < 3; ++k) b.col(k) = by_rows(essential * skew(Eigen::Vector3d::Unit(k)));
  for (int k = 0; k < 2; ++k) b.col(3 + k) = by_rows(skew(plane.col(k)) * rotation_);
  return b;
}

void EssentialManifold::step(const Tangent& d) {
  rotation_ = rotation_ * rotation_from_angle_axis(d.head<3>());
  translation_ = (translation_ + orthogonal_plane(translation_) * d.segment<2>(3)).normalized();
}

FundamentalManifold::FundamentalManifold(const Matrix3& fundamental) {
  const Svd3 svd = svd3(as_matrix(fundamental));
  u_ = svd.u;
  v_ = svd.v;
  sigma_ = svd.s(1) / svd.s(0);
}

Basis FundamentalManifold::basis() const {
  const Eigen::Matrix3d left = diagonal() * v_.transpose(), right = u_ * diagonal();
  Basis b(9, 7);
  for (int k = 0; k < 3; ++k) {
    const Eigen::Matrix3d generator = skew(Eigen::Vector3d::Unit(k));
    b.col(k) = by_rows(u_ * generator * left);
    b.col(3 + k) = by_rows(-right * generator * v_.transpose());
  }
  b.col(6) = by_rows(u_.col(1) * v_.col(1).transpose());
  return b;
}

void FundamentalManifold::step(const Tangent& d) {
  u_ = u_ * rotation_from_angle_axis(d.head<3>());
  v_ = v_ * rotation_from_angle_axis(d.segment<3>(3));
  sigma_ += d(6);
}

HomographyManifold::HomographyManifold(const Matrix3& homography) : h_(by_rows(as_matrix(homography)).normalized()) {}

Matrix3 HomographyManifold::model() const {
  Matrix3 result;
  Eigen::Map<Vector9>(result.data()) = h_;
  return result;
}

// The Householder reflection that takes a unit vector e_k to ±h, without column k.
Basis HomographyManifold::basis() const {
  int k;
  h_.cwiseAbs().maxCoeff(&k);
  Vector9 w = h_;
  w(k) += std::copysign(1.0, h_(k));
  const Basis reflection = Basis::Identity(9, 9) - 2.0 / w.squaredNorm() * w * w.transpose();
  Basis b(9, 8);
  b << reflection.leftCols(k), reflection.rightCols(8 - k);
  return b;
}

void HomographyManifold::step(const Tangent& d) { h_ = (h_ + basis() * d).normalized(); }

PoseManifold::PoseManifold(const Pose& pose)
    : rotation_(as_matrix(pose).leftCols<3>()), translation_(as_matrix(pose).col(3)) {}

void PoseManifold::step(const Tangent& d) {
  const Eigen::Matrix3d turn = rotation_from_angle_axis(d.head<3>());
  rotation_ = turn * rotation_;
  translation_ = turn * translation_ + d.tail<3>();
}

}  // namespace fastcv::geometry
