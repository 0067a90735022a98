// SPDX-License-Identifier: Apache-2.0
// Minimal parametrisations of the models for Gauss-Newton: a model, the basis of its tangent space in terms of what the
// residuals are differentiated by (NormalEquations), and a step along it.
#pragma once

#include "geometry/columns.h"
#include "geometry/eigen.h"

namespace fastcv::geometry {

// Small, without heap and without unrolling every product at compile time.
constexpr int kMaxTangent = NormalEquations::kMaxTangent;
using Tangent = Eigen::Matrix<double, Eigen::Dynamic, 1, Eigen::ColMajor, kMaxTangent, 1>;
using Basis = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, kMaxTangent, kMaxTangent>;

// E = [t]ₓ R with |t| = 1: five degrees of freedom, R ← R exp(ω) and t moved on the sphere.
class EssentialManifold {
 public:
  using Model = Matrix3;
  explicit EssentialManifold(const Matrix3& essential);
  Matrix3 model() const { return as_model(skew(translation_) * rotation_); }
  Basis basis() const;
  void step(const Tangent& d);

 private:
  Eigen::Matrix3d rotation_;
  Eigen::Vector3d translation_;
};

// F = U diag(1, σ, 0) Vᵀ with rotations U and V: seven degrees of freedom. Bartoli & Sturm 2004, "Nonlinear estimation
// of the fundamental matrix with minimal parameters".
class FundamentalManifold {
 public:
  using Model = Matrix3;
  explicit FundamentalManifold(const Matrix3& fundamental);
  Matrix3 model() const { return as_model(u_ * diagonal() * v_.transpose()); }
  Basis basis() const;
  void step(const Tangent& d);

 private:
  Eigen::Matrix3d diagonal() const { return Eigen::Vector3d(1.0, sigma_, 0.0).asDiagonal(); }
  Eigen::Matrix3d u_, v_;
  double sigma_;
};

// H with unit norm: eight degrees of freedom, a step in the plane orthogonal to H.
class HomographyManifold {
 public:
  using Model = Matrix3;
  explicit HomographyManifold(const Matrix3& homography);
  Matrix3 model() const;
  Basis basis() const;
  void step(const Tangent& d);

 private:
  Eigen::Matrix<double, 9, 1> h_;
};

// [R | t]: six degrees of freedom, the tangent of Reprojection (residuals.hd.h).
class PoseManifold {
 public:
  using Model = Pose;
  explicit PoseManifold(const Pose& pose);
  Pose model() const { return as_model(rotation_, translation_); }
  Basis basis() const { return Basis::Identity(6, 6); }
  void step(const Tangent& d);

 private:
  Eigen::Matrix3d rotation_;
  Eigen::Vector3d translation_;
};

}  // namespace fastcv::geometry
