// SPDX-License-Identifier: Apache-2.0
// Minimal parametrisations of the models for Gauss-Newton: a model, the basis of its tangent space in terms of its
// entries, and a step along it.
#pragma once

#include "geometry/eigen.h"
#include "geometry/essential.h"

namespace fastcv::geometry {

inline Eigen::Matrix<double, 9, 1> by_rows(const Eigen::Matrix3d& m) {
  Eigen::Matrix<double, 9, 1> v;
  Eigen::Map<RowMatrix3>(v.data()) = m;
  return v;
}

// Rows orthogonal to the unit vector v.
inline Eigen::Matrix<double, 3, 2> orthogonal_plane(const Eigen::Vector3d& v) {
  int smallest;
  v.cwiseAbs().minCoeff(&smallest);
  Eigen::Matrix<double, 3, 2> plane;
  plane.col(0) = v.cross(Eigen::Vector3d::Unit(smallest)).normalized();
  plane.col(1) = v.cross(plane.col(0));
  return plane;
}

// E = [t]ₓ R with |t| = 1: five degrees of freedom, R ← R exp(ω) and t moved on the sphere.
class EssentialManifold {
 public:
  using Model = Matrix3;
  static constexpr int kTangent = 5;

  explicit EssentialManifold(const Matrix3& essential) {
    Pose poses[4];
    decompose_essential(essential, poses);
    rotation_ = as_matrix(poses[0]).leftCols<3>();
    translation_ = as_matrix(poses[0]).col(3);
  }
  Matrix3 model() const { return as_model(skew(translation_) * rotation_); }
  Eigen::Matrix<double, 9, 5> basis() const {
    Eigen::Matrix<double, 9, 5> b;
    for (int k = 0; k < 3; ++k) b.col(k) = by_rows(skew(translation_) * rotation_ * skew(Eigen::Vector3d::Unit(k)));
    const Eigen::Matrix<double, 3, 2> plane = orthogonal_plane(translation_);
    for (int k = 0; k < 2; ++k) b.col(3 + k) = by_rows(skew(plane.col(k)) * rotation_);
    return b;
  }
  void step(const Eigen::Matrix<double, 5, 1>& d) {
    rotation_ = rotation_ * rotation_from_angle_axis(d.head<3>());
    translation_ = (translation_ + orthogonal_plane(translation_) * d.tail<2>()).normalized();
  }

 private:
  Eigen::Matrix3d rotation_;
  Eigen::Vector3d translation_;
};

// F = U diag(1, σ, 0) Vᵀ with rotations U and V: seven degrees of freedom. Bartoli & Sturm 2004, "Nonlinear estimation
// of the fundamental matrix with minimal parameters".
class FundamentalManifold {
 public:
  using Model = Matrix3;
  static constexpr int kTangent = 7;

  explicit FundamentalManifold(const Matrix3& fundamental) {
    const Eigen::JacobiSVD<Eigen::Matrix3d> svd(as_matrix(fundamental), Eigen::ComputeFullU | Eigen::ComputeFullV);
    u_ = svd.matrixU();
    v_ = svd.matrixV();
    sigma_ = svd.singularValues()(1) / svd.singularValues()(0);
  }
  Matrix3 model() const { return as_model(u_ * diagonal() * v_.transpose()); }
  Eigen::Matrix<double, 9, 7> basis() const {
    Eigen::Matrix<double, 9, 7> b;
    for (int k = 0; k < 3; ++k) {
      const Eigen::Matrix3d generator = skew(Eigen::Vector3d::Unit(k));
      b.col(k) = by_rows(u_ * generator * diagonal() * v_.transpose());
      b.col(3 + k) = by_rows(-u_ * diagonal() * generator * v_.transpose());
    }
    b.col(6) = by_rows(u_.col(1) * v_.col(1).transpose());
    return b;
  }
  void step(const Eigen::Matrix<double, 7, 1>& d) {
    u_ = u_ * rotation_from_angle_axis(d.head<3>());
    v_ = v_ * rotation_from_angle_axis(d.segment<3>(3));
    sigma_ += d(6);
  }

 private:
  Eigen::Matrix3d diagonal() const { return Eigen::Vector3d(1.0, sigma_, 0.0).asDiagonal(); }
  Eigen::Matrix3d u_, v_;
  double sigma_;
};

// H with unit norm: eight degrees of freedom, a step in the plane orthogonal to H.
class HomographyManifold {
 public:
  using Model = Matrix3;
  static constexpr int kTangent = 8;

  explicit HomographyManifold(const Matrix3& homography) : h_(by_rows(as_matrix(homography)).normalized()) {}
  Matrix3 model() const {
    Matrix3 result;
    Eigen::Map<Eigen::Matrix<double, 9, 1>>(result.data()) = h_;
    return result;
  }
  Eigen::Matrix<double, 9, 8> basis() const {  // the Householder reflection that takes e_k to h, without column k
    int k;
    h_.cwiseAbs().maxCoeff(&k);
    Eigen::Matrix<double, 9, 1> w = h_;
    w(k) += std::copysign(1.0, h_(k));
    const Eigen::Matrix<double, 9, 9> reflection =
        Eigen::Matrix<double, 9, 9>::Identity() - 2.0 / w.squaredNorm() * w * w.transpose();
    Eigen::Matrix<double, 9, 8> b;
    b << reflection.leftCols(k), reflection.rightCols(8 - k);
    return b;
  }
  void step(const Eigen::Matrix<double, 8, 1>& d) { h_ = (h_ + basis() * d).normalized(); }

 private:
  Eigen::Matrix<double, 9, 1> h_;
};

// [R | t]: six degrees of freedom, the tangent of Reprojection (residuals.hd.h).
class PoseManifold {
 public:
  using Model = Pose;
  static constexpr int kTangent = 6;

  explicit PoseManifold(const Pose& pose) : rotation_(as_matrix(pose).leftCols<3>()), translation_(as_matrix(pose).col(3)) {}
  Pose model() const { return as_model(rotation_, translation_); }
  static Eigen::Matrix<double, 6, 6> basis() { return Eigen::Matrix<double, 6, 6>::Identity(); }
  void step(const Eigen::Matrix<double, 6, 1>& d) {
    const Eigen::Matrix3d turn = rotation_from_angle_axis(d.head<3>());
    rotation_ = turn * rotation_;
    translation_ = turn * translation_ + d.tail<3>();
  }

 private:
  Eigen::Matrix3d rotation_;
  Eigen::Vector3d translation_;
};

}  // namespace fastcv::geometry
