// SPDX-License-Identifier: Apache-2.0
// Conversions of many rotations: the work of one, and of its gradient.
#pragma once

#include "camera/rotation.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

template <class T>
struct RotationFromAngleAxis {
  Rows<const T, 3> angle_axis;
  Rows<T, 9> rotations;

  FASTCV_HD void operator()(std::int64_t i) const {
    const T* w = angle_axis[i];
    rotation_from_angle_axis(Vec3<T>{w[0], w[1], w[2]}, rotations[i]);
  }
};

template <class T>
struct RotationFromAngleAxisVjp {
  Rows<const T, 3> angle_axis;
  Rows<const T, 9> grad_rotations;
  Rows<T, 3> grad_angle_axis;

  FASTCV_HD void operator()(std::int64_t i) const {
    const T* w = angle_axis[i];
    T d_w[27];
    rotation_from_angle_axis_jacobian(Vec3<T>{w[0], w[1], w[2]}, d_w);
    for (int j = 0; j < 3; ++j) {
      T sum = T(0);
      for (int k = 0; k < 9; ++k) sum += grad_rotations[i][k] * d_w[3 * k + j];
      grad_angle_axis[i][j] = sum;
    }
  }
};

template <class T>
struct AngleAxisFromRotation {
  Rows<const T, 9> rotations;
  Rows<T, 3> angle_axis;

  FASTCV_HD void operator()(std::int64_t i) const {
    const Vec3<T> w = angle_axis_from_rotation(rotations[i]);
    angle_axis[i][0] = w.x;
    angle_axis[i][1] = w.y;
    angle_axis[i][2] = w.z;
  }
};

template <class T>
struct AngleAxisFromRotationVjp {
  Rows<const T, 9> rotations;
  Rows<const T, 3> grad_angle_axis;
  Rows<T, 9> grad_rotations;

  FASTCV_HD void operator()(std::int64_t i) const {
    T d_rotation[27];
    angle_axis_from_rotation_jacobian(rotations[i], angle_axis_from_rotation(rotations[i]), d_rotation);
    for (int k = 0; k < 9; ++k) {
      T sum = T(0);
      for (int j = 0; j < 3; ++j) sum += grad_angle_axis[i][j] * d_rotation[9 * j + k];
      grad_rotations[i][k] = sum;
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
