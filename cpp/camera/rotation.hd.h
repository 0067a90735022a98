// SPDX-License-Identifier: Apache-2.0
// Rotations: angle-axis vectors (axis times angle in radians) and 3 x 3 matrices (row-major), with derivatives.
// Source: Gallego & Yezzi 2015, "A compact formula for the derivative of a 3-D rotation in exponential coordinates".
#pragma once

#include <cmath>

#include "camera/vec.hd.h"

namespace fastcv::FASTCV_ISA {

template <class T>
FASTCV_HD T dot(const Vec3<T>& a, const Vec3<T>& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class T>
FASTCV_HD Vec3<T> cross(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

// Rodrigues: R = I + sine [w] + versine [w]², with sine = sin(t)/t, versine = (1 - cos t)/t², t = |w|; and the
// derivatives of both by t, divided by t. Close to 0 those two lose relative accuracy, but they are multiplied by terms
// of the order of t², so that every result stays accurate to a few eps.
template <class T>
struct Rodrigues {
  T sine, versine, d_sine, d_versine;

  static FASTCV_HD Rodrigues of(const Vec3<T>& w) {
    using std::cos, std::sin, std::sqrt;
    const T t2 = dot(w, w);
    if (!(t2 > T(0))) return {T(1), T(0.5), T(0), T(0)};
    const T t = sqrt(t2), half = T(0.5) * t, half_sine = sin(half) / half;
    const T sine = sin(t) / t, versine = T(0.5) * half_sine * half_sine;
    return {sine, versine, (cos(t) - sine) / t2, (sine - T(2) * versine) / t2};
  }
};

// The point turned by the angle-axis vector w.
template <class T>
FASTCV_HD Vec3<T> rotate(const Vec3<T>& w, const Vec3<T>& point) {
  const Rodrigues<T> r = Rodrigues<T>::of(w);
  const Vec3<T> a = cross(w, point), b = cross(w, a);
  return {point.x + r.sine * a.x + r.versine * b.x, point.y + r.sine * a.y + r.versine * b.y,
          point.z + r.sine * a.z + r.versine * b.z};
}

// As rotate, with the derivatives (3 x 3, row-major) by w. Those by the point are the rotation matrix.
template <class T>
FASTCV_HD Vec3<T> rotate_jacobian(const Vec3<T>& w, const Vec3<T>& point, T* d_w) {
  const Rodrigues<T> r = Rodrigues<T>::of(w);
  const Vec3<T> a = cross(w, point), b = cross(w, a);
  const T wp = dot(w, point), wv[3] = {w.x, w.y, w.z}, pv[3] = {point.x, point.y, point.z};
  const T av[3] = {a.x, a.y, a.z}, bv[3] = {b.x, b.y, b.z};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      d_w[3 * i + j] =
          r.versine * (wv[i] * pv[j] - T(2) * pv[i] * wv[j]) + (r.d_sine * av[i] + r.d_versine * bv[i]) * wv[j];
    }
    d_w[4 * i] += r.versine * wp;
  }
  d_w[1] += r.sine * point.z;
  d_w[2] -= r.sine * point.y;
  d_w[3] -= r.sine * point.z;
  d_w[5] += r.sine * point.x;
  d_w[6] += r.sine * point.y;
  d_w[7] -= r.sine * point.x;
  return {point.x + r.sine * a.x + r.versine * b.x, point.y + r.sine * a.y + r.versine * b.y,
          point.z + r.sine * a.z + r.versine * b.z};
}

template <class T>
FASTCV_HD void rotation_from_angle_axis(const Vec3<T>& w, T* rotation) {
  const Rodrigues<T> r = Rodrigues<T>::of(w);
  const T xy = r.versine * w.x * w.y, xz = r.versine * w.x * w.z, yz = r.versine * w.y * w.z;
  const T xx = r.versine * w.x * w.x, yy = r.versine * w.y * w.y, zz = r.versine * w.z * w.z;
  const T sx = r.sine * w.x, sy = r.sine * w.y, sz = r.sine * w.z;
  rotation[0] = T(1) - (yy + zz);
  rotation[1] = xy - sz;
  rotation[2] = xz + sy;
  rotation[3] = xy + sz;
  rotation[4] = T(1) - (xx + zz);
  rotation[5] = yz - sx;
  rotation[6] = xz - sy;
  rotation[7] = yz + sx;
  rotation[8] = T(1) - (xx + yy);
}

// d(rotation) / d(w): 9 x 3, row-major. Column c of the matrix is the turned unit vector c.
template <class T>
FASTCV_HD void rotation_from_angle_axis_jacobian(const Vec3<T>& w, T* d_w) {
  for (int c = 0; c < 3; ++c) {
    T column[9];
    rotate_jacobian(w, Vec3<T>{T(c == 0), T(c == 1), T(c == 2)}, column);
    for (int i = 0; i < 9; ++i) d_w[9 * (i / 3) + 3 * c + i % 3] = column[i];
  }
}

// The angle-axis vector of a rotation matrix, its angle in [0, pi]; at pi either sign of the axis. It goes through the
// unit quaternion, whose largest component is computed first (Shepperd 1978), so that no angle loses digits.
template <class T>
FASTCV_HD Vec3<T> angle_axis_from_rotation(const T* rotation) {
  using std::atan2, std::sqrt;
  const T* r = rotation;
  const T trace = r[0] + r[4] + r[8];
  T q0, q[3];
  if (trace >= r[0] && trace >= r[4] && trace >= r[8]) {
    const T s = sqrt(T(1) + trace), f = T(0.5) / s;
    q0 = T(0.5) * s;
    q[0] = (r[7] - r[5]) * f;
    q[1] = (r[2] - r[6]) * f;
    q[2] = (r[3] - r[1]) * f;
  } else {
    const int i = r[0] >= r[4] && r[0] >= r[8] ? 0 : r[4] >= r[8] ? 1 : 2, j = (i + 1) % 3, k = (i + 2) % 3;
    const T s = sqrt(T(1) + T(2) * r[4 * i] - trace), f = T(0.5) / s;
    q0 = (r[3 * k + j] - r[3 * j + k]) * f;
    q[i] = T(0.5) * s;
    q[j] = (r[3 * i + j] + r[3 * j + i]) * f;
    q[k] = (r[3 * i + k] + r[3 * k + i]) * f;
  }
  const T sine = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]), sign = q0 < T(0) ? T(-1) : T(1);
  // 2 atan2(sine, cosine) / sine of the half angle, which is 2 close to the identity.
  const T factor = sine > T(0) ? T(2) * sign * atan2(sine, sign * q0) / sine : T(2);
  return {factor * q[0], factor * q[1], factor * q[2]};
}

// d(w) / d(rotation): 3 x 9, row-major, for changes along the rotations: a change D of the matrix counts with the part
// of R^T D that is antisymmetric. w is angle_axis_from_rotation(rotation). Source: Chirikjian 2011, eq. 10.86 (the
// inverse right Jacobian I + [w]/2 + c [w]²).
template <class T>
FASTCV_HD void angle_axis_from_rotation_jacobian(const T* rotation, const Vec3<T>& w, T* d_rotation) {
  using std::cos, std::sin, std::sqrt;
  const T t2 = dot(w, w), half = T(0.5) * sqrt(t2);
  const T c = t2 > T(0) ? (T(1) - half * cos(half) / sin(half)) / t2 : T(0);
  const T v[3] = {w.x, w.y, w.z}, cross_w[9] = {T(0), -w.z, w.y, w.z, T(0), -w.x, -w.y, w.x, T(0)};
  for (int i = 0; i < 3; ++i) {
    T inverse[3];  // a row of the inverse right Jacobian
    for (int j = 0; j < 3; ++j) {
      inverse[j] = T(0.5) * cross_w[3 * i + j] + c * v[i] * v[j] + (i == j ? T(1) - c * t2 : T(0));
    }
    for (int row = 0; row < 3; ++row) {  // phi_x = (R[:,2] · D[:,1] - R[:,1] · D[:,2]) / 2, and in turn
      const T* r = rotation + 3 * row;
      T* d = d_rotation + 9 * i + 3 * row;
      d[0] = T(0.5) * (inverse[2] * r[1] - inverse[1] * r[2]);
      d[1] = T(0.5) * (inverse[0] * r[2] - inverse[2] * r[0]);
      d[2] = T(0.5) * (inverse[1] * r[0] - inverse[0] * r[1]);
    }
  }
}

}  // namespace fastcv::FASTCV_ISA
