// SPDX-License-Identifier: Apache-2.0
// The error of ONE correspondence under a model, and its derivatives: Sampson, homography transfer, reprojection.
//
// Coordinates are normalised (camera rays with z = 1, or pixels moved and scaled by a similarity); a weight in pixels
// per normalised unit turns every error into pixels. Columns of a correspondence are listed at each type.
#pragma once

#include <cmath>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

// First-order geometric distance to the epipolar constraint x2ᵀ M x1 = 0. Hartley & Zisserman 2004, eq. 11.9, with the
// gradient taken per pixel: s = (normalised units per pixel)². Columns: x1 y1 x2 y2 s1 s2. Model: M, row-major.
struct Sampson {
  static constexpr int kModel = 9, kColumns = 6, kTangent = 9, kResiduals = 1;

  template <class T>
  static FASTCV_HD T squared_error(const T* m, const T* c) {
    const T a = m[0] * c[0] + m[1] * c[1] + m[2];  // M x1: line in image 2
    const T b = m[3] * c[0] + m[4] * c[1] + m[5];
    const T d = m[6] * c[0] + m[7] * c[1] + m[8];
    const T p = m[0] * c[2] + m[3] * c[3] + m[6];  // Mᵀ x2: line in image 1
    const T q = m[1] * c[2] + m[4] * c[3] + m[7];
    const T r = c[2] * a + c[3] * b + d;
    return r * r / (c[5] * (a * a + b * b) + c[4] * (p * p + q * q));
  }

  // The residual in pixels and its derivative by the nine entries of M.
  template <class T>
  static FASTCV_HD void linearize(const T* m, const T* c, T* residual, T* jacobian) {
    const T a = m[0] * c[0] + m[1] * c[1] + m[2];
    const T b = m[3] * c[0] + m[4] * c[1] + m[5];
    const T d = m[6] * c[0] + m[7] * c[1] + m[8];
    const T p = m[0] * c[2] + m[3] * c[3] + m[6];
    const T q = m[1] * c[2] + m[4] * c[3] + m[7];
    const T inv_norm = T(1) / std::sqrt(c[5] * (a * a + b * b) + c[4] * (p * p + q * q));
    const T r = (c[2] * a + c[3] * b + d) * inv_norm;
    // d(r) = (d(numerator) - r d(norm)) / norm; both derivatives are sums of outer products of x2 and x1.
    const T k = r * inv_norm;
    const T ka = k * c[5] * a, kb = k * c[5] * b, kp = k * c[4] * p, kq = k * c[4] * q;
    const T u = c[2] - ka, v = c[3] - kb;
    jacobian[0] = (u * c[0] - kp * c[2]) * inv_norm;
    jacobian[1] = (u * c[1] - kq * c[2]) * inv_norm;
    jacobian[2] = u * inv_norm;
    jacobian[3] = (v * c[0] - kp * c[3]) * inv_norm;
    jacobian[4] = (v * c[1] - kq * c[3]) * inv_norm;
    jacobian[5] = v * inv_norm;
    jacobian[6] = (c[0] - kp) * inv_norm;
    jacobian[7] = (c[1] - kq) * inv_norm;
    jacobian[8] = inv_norm;
    *residual = r;
  }
};

// Distance in image 2 between x2 and the image of x1 under a homography. Columns: x1 y1 x2 y2 w, w in pixels per
// normalised unit of image 2. Model: H, row-major.
struct Transfer {
  static constexpr int kModel = 9, kColumns = 5, kTangent = 9, kResiduals = 2;

  template <class T>
  static FASTCV_HD T squared_error(const T* m, const T* c) {
    const T inv_z = T(1) / (m[6] * c[0] + m[7] * c[1] + m[8]);
    const T dx = ((m[0] * c[0] + m[1] * c[1] + m[2]) * inv_z - c[2]) * c[4];
    const T dy = ((m[3] * c[0] + m[4] * c[1] + m[5]) * inv_z - c[3]) * c[4];
    return dx * dx + dy * dy;
  }

  template <class T>
  static FASTCV_HD void linearize(const T* m, const T* c, T* residual, T* jacobian) {
    const T inv_z = T(1) / (m[6] * c[0] + m[7] * c[1] + m[8]);
    const T x = (m[0] * c[0] + m[1] * c[1] + m[2]) * inv_z, y = (m[3] * c[0] + m[4] * c[1] + m[5]) * inv_z;
    const T scale = c[4] * inv_z;
    const T row[3] = {scale * c[0], scale * c[1], scale};
    for (int k = 0; k < 3; ++k) {
      jacobian[k] = row[k];
      jacobian[3 + k] = T(0);
      jacobian[6 + k] = -x * row[k];
      jacobian[9 + k] = T(0);
      jacobian[12 + k] = row[k];
      jacobian[15 + k] = -y * row[k];
    }
    residual[0] = (x - c[2]) * c[4];
    residual[1] = (y - c[3]) * c[4];
  }
};

// Distance in the image between an observation and a projected world point; infinite behind the camera.
// Columns: X Y Z x y w. Model: [R | t], row-major. The tangent is (ω, v): R ← exp(ω) R, t ← exp(ω) t + v.
struct Reprojection {
  static constexpr int kModel = 12, kColumns = 6, kTangent = 6, kResiduals = 2;

  template <class T>
  static FASTCV_HD T squared_error(const T* m, const T* c) {
    const T x = m[0] * c[0] + m[1] * c[1] + m[2] * c[2] + m[3];
    const T y = m[4] * c[0] + m[5] * c[1] + m[6] * c[2] + m[7];
    const T z = m[8] * c[0] + m[9] * c[1] + m[10] * c[2] + m[11];
    const T inv_z = T(1) / z;
    const T dx = (x * inv_z - c[3]) * c[5], dy = (y * inv_z - c[4]) * c[5];
    const T e = dx * dx + dy * dy;
    return z > T(0) ? e : T(INFINITY);
  }

  template <class T>
  static FASTCV_HD void linearize(const T* m, const T* c, T* residual, T* jacobian) {
    const T x = m[0] * c[0] + m[1] * c[1] + m[2] * c[2] + m[3];
    const T y = m[4] * c[0] + m[5] * c[1] + m[6] * c[2] + m[7];
    const T z = m[8] * c[0] + m[9] * c[1] + m[10] * c[2] + m[11];
    const T inv_z = T(1) / z;
    const T u = x * inv_z, v = y * inv_z, w = c[5];
    residual[0] = z > T(0) ? (u - c[3]) * w : T(INFINITY);
    residual[1] = (v - c[4]) * w;
    const T du[6] = {-u * v, T(1) + u * u, -v, inv_z, T(0), -u * inv_z};
    const T dv[6] = {-T(1) - v * v, u * v, u, T(0), inv_z, -v * inv_z};
    for (int k = 0; k < 6; ++k) {
      jacobian[k] = w * du[k];
      jacobian[6 + k] = w * dv[k];
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
