// SPDX-License-Identifier: Apache-2.0
// Conversions between many angle-axis vectors (N, 3) and rotation matrices (N, 3, 3), with gradients.
#pragma once

#include "core/view.h"

namespace fastcv::camera {

// T is float or double. num_threads 0 means the default.
template <class T>
void rotation_from_angle_axis(Rows<const T, 3> angle_axis, Rows<T, 9> rotations, int num_threads);
template <class T>
void rotation_from_angle_axis_vjp(Rows<const T, 3> angle_axis, Rows<const T, 9> grad_rotations,
                                  Rows<T, 3> grad_angle_axis, int num_threads);
template <class T>
void angle_axis_from_rotation(Rows<const T, 9> rotations, Rows<T, 3> angle_axis, int num_threads);
template <class T>
void angle_axis_from_rotation_vjp(Rows<const T, 9> rotations, Rows<const T, 3> grad_angle_axis,
                                  Rows<T, 9> grad_rotations, int num_threads);

}  // namespace fastcv::camera
