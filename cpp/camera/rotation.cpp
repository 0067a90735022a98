// SPDX-License-Identifier: Apache-2.0
// Splits the rotations over threads. No leaf: sine and cosine come from the C library, which does not vectorise.
#include "camera/rotation.h"

#include "camera/ranges.h"
#include "camera/rotation_each.hd.h"

namespace fastcv::camera {
namespace {

template <class Each>
void run(std::int64_t n, int num_threads, const Each& each) {
  parallel_for(n, kGrain / 16, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) each(i);
  });
}

}  // namespace

template <class T>
void rotation_from_angle_axis(Rows<const T, 3> angle_axis, Rows<T, 9> rotations, int num_threads) {
  run(angle_axis.rows, num_threads, generic::RotationFromAngleAxis<T>{angle_axis, rotations});
}

template <class T>
void rotation_from_angle_axis_vjp(Rows<const T, 3> angle_axis, Rows<const T, 9> grad_rotations,
                                  Rows<T, 3> grad_angle_axis, int num_threads) {
  run(angle_axis.rows, num_threads, generic::RotationFromAngleAxisVjp<T>{angle_axis, grad_rotations, grad_angle_axis});
}

template <class T>
void angle_axis_from_rotation(Rows<const T, 9> rotations, Rows<T, 3> angle_axis, int num_threads) {
  run(rotations.rows, num_threads, generic::AngleAxisFromRotation<T>{rotations, angle_axis});
}

template <class T>
void angle_axis_from_rotation_vjp(Rows<const T, 9> rotations, Rows<const T, 3> grad_angle_axis,
                                  Rows<T, 9> grad_rotations, int num_threads) {
  run(rotations.rows, num_threads, generic::AngleAxisFromRotationVjp<T>{rotations, grad_angle_axis, grad_rotations});
}

#define FASTCV_INSTANTIATE(T)                                                                      \
  template void rotation_from_angle_axis(Rows<const T, 3>, Rows<T, 9>, int);                       \
  template void rotation_from_angle_axis_vjp(Rows<const T, 3>, Rows<const T, 9>, Rows<T, 3>, int); \
  template void angle_axis_from_rotation(Rows<const T, 9>, Rows<T, 3>, int);                       \
  template void angle_axis_from_rotation_vjp(Rows<const T, 9>, Rows<const T, 3>, Rows<T, 9>, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::camera
