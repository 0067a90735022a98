// SPDX-License-Identifier: Apache-2.0
// Projection loops, compiled once per instruction set.

// Partial redundancy elimination gives the points behind the camera a path of their own, and a loop with two paths is
// not vectorised: the Jacobians of the fisheye models take 3 to 4 times as long with it (GCC 12).
#pragma GCC optimize("no-tree-pre")
#include "camera/project.hd.h"
// The declarations come after what they mention.
#include "camera/project.leaf.h"
#include "core/elementwise.hd.h"

namespace fastcv::FASTCV_ISA::camera {

template <class T>
bool project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels) {
  return with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    const ProjectOne<Model, T> one{Params<Model, T>(params), points, pixels};
    for (std::int64_t i = 0; i < points.rows; ++i) one(i);
  });
}

template <class T>
bool project_jacobian(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, T* d_points,
                      T* d_params) {
  return with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    run_in_lanes(
        ProjectJacobian<Model, T>{
            Params<Model, T>(params), points, pixels, {d_points, points.rows}, {d_params, points.rows}},
        points.rows, nullptr);
  });
}

template <class T>
bool project_vjp(int model_id, const double* params, Rows<const T, 3> points, Rows<const T, 2> grad_pixels,
                 Rows<T, 3> grad_points, double* grad_params) {
  return with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    run_in_lanes(ProjectVjp<Model, T>{Params<Model, T>(params), points, grad_pixels, grad_points}, points.rows,
                 grad_params);
  });
}

#define FASTCV_INSTANTIATE(T)                                                               \
  template bool project(int, const double*, Rows<const T, 3>, Rows<T, 2>);                  \
  template bool project_jacobian(int, const double*, Rows<const T, 3>, Rows<T, 2>, T*, T*); \
  template bool project_vjp(int, const double*, Rows<const T, 3>, Rows<const T, 2>, Rows<T, 3>, double*);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::FASTCV_ISA::camera
