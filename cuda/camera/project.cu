// SPDX-License-Identifier: Apache-2.0
// Projection, one thread a point.
#include "camera/project.hd.h"
#include "camera/require.h"
#include "cuda/camera/project.h"
#include "cuda/core/launch.cuh"
#include "cuda/core/sum.cuh"

namespace fastcv::cuda::camera {

using fastcv::camera::require_model;

template <class T>
void project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, cudaStream_t stream) {
  const bool known = gpu::with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    for_each(points.rows, gpu::ProjectOne<Model, T>{gpu::Params<Model, T>(params), points, pixels}, stream);
  });
  require_model(known, model_id);
}

template <class T>
void project_jacobian(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, T* d_points,
                      T* d_params, cudaStream_t stream) {
  const bool known = gpu::with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    const gpu::ProjectJacobian<Model, T> op{
        gpu::Params<Model, T>(params), points, pixels, {d_points, points.rows}, {d_params, points.rows}};
    for_each(points.rows, gpu::RunOne<gpu::ProjectJacobian<Model, T>>{op}, stream);
  });
  require_model(known, model_id);
}

template <class T>
void project_vjp(int model_id, const double* params, Rows<const T, 3> points, Rows<const T, 2> grad_pixels,
                 Rows<T, 3> grad_points, View<double, 1> grad_params, cudaStream_t stream) {
  const bool known = gpu::with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    const gpu::ProjectVjp<Model, T> op{gpu::Params<Model, T>(params), points, grad_pixels, grad_points};
    for_each_with_sums(points.rows, op, grad_params.data, stream);
  });
  require_model(known, model_id);
}

#define FASTCV_INSTANTIATE(T)                                                                                    \
  template void project(int, const double*, Rows<const T, 3>, Rows<T, 2>, cudaStream_t);                         \
  template void project_jacobian(int, const double*, Rows<const T, 3>, Rows<T, 2>, T*, T*, cudaStream_t);        \
  template void project_vjp(int, const double*, Rows<const T, 3>, Rows<const T, 2>, Rows<T, 3>, View<double, 1>, \
                            cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::camera
