// SPDX-License-Identifier: Apache-2.0
// Conversions between many angle-axis vectors and rotation matrices, with gradients, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"

namespace fastcv::cuda::camera {

// As in fastcv::camera; arrays live on the current device.
template <class T>
void rotation_from_angle_axis(Rows<const T, 3> angle_axis, Rows<T, 9> rotations, cudaStream_t stream);
template <class T>
void rotation_from_angle_axis_vjp(Rows<const T, 3> angle_axis, Rows<const T, 9> grad_rotations,
                                  Rows<T, 3> grad_angle_axis, cudaStream_t stream);
template <class T>
void angle_axis_from_rotation(Rows<const T, 9> rotations, Rows<T, 3> angle_axis, cudaStream_t stream);
template <class T>
void angle_axis_from_rotation_vjp(Rows<const T, 9> rotations, Rows<const T, 3> grad_angle_axis,
                                  Rows<T, 9> grad_rotations, cudaStream_t stream);

}  // namespace fastcv::cuda::camera
