// SPDX-License-Identifier: Apache-2.0
// Rotation conversions, one thread a rotation.
#include "camera/rotation_each.hd.h"
#include "cuda/camera/rotation.h"
#include "cuda/core/launch.cuh"

namespace fastcv::cuda::camera {

template <class T>
void rotation_from_angle_axis(Rows<const T, 3> angle_axis, Rows<T, 9> rotations, cudaStream_t stream) {
  for_each(angle_axis.rows, gpu::RotationFromAngleAxis<T>{angle_axis, rotations}, stream);
}

template <class T>
void rotation_from_angle_axis_vjp(Rows<const T, 3> angle_axis, Rows<const T, 9> grad_rotations,
                                  Rows<T, 3> grad_angle_axis, cudaStream_t stream) {
  for_each(angle_axis.rows, gpu::RotationFromAngleAxisVjp<T>{angle_axis, grad_rotations, grad_angle_axis}, stream);
}

template <class T>
void angle_axis_from_rotation(Rows<const T, 9> rotations, Rows<T, 3> angle_axis, cudaStream_t stream) {
  for_each(rotations.rows, gpu::AngleAxisFromRotation<T>{rotations, angle_axis}, stream);
}

template <class T>
void angle_axis_from_rotation_vjp(Rows<const T, 9> rotations, Rows<const T, 3> grad_angle_axis,
                                  Rows<T, 9> grad_rotations, cudaStream_t stream) {
  for_each(rotations.rows, gpu::AngleAxisFromRotationVjp<T>{rotations, grad_angle_axis, grad_rotations}, stream);
}

#define FASTCV_INSTANTIATE(T)                                                                               \
  template void rotation_from_angle_axis(Rows<const T, 3>, Rows<T, 9>, cudaStream_t);                       \
  template void rotation_from_angle_axis_vjp(Rows<const T, 3>, Rows<const T, 9>, Rows<T, 3>, cudaStream_t); \
  template void angle_axis_from_rotation(Rows<const T, 9>, Rows<T, 3>, cudaStream_t);                       \
  template void angle_axis_from_rotation_vjp(Rows<const T, 9>, Rows<const T, 3>, Rows<T, 9>, cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::camera
