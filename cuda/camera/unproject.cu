// SPDX-License-Identifier: Apache-2.0
// Unprojection, one thread a pixel.
#include "camera/require.h"
#include "camera/unproject.hd.h"
#include "cuda/camera/unproject.h"
#include "cuda/core/launch.cuh"
#include "cuda/core/sum.cuh"

namespace fastcv::cuda::camera {

using fastcv::camera::require_model;

template <class T>
void unproject(int model_id, const double* params, Rows<const T, 2> pixels, Rows<T, 3> rays, cudaStream_t stream) {
  const bool known = gpu::with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    for_each(pixels.rows, gpu::UnprojectOne<Model, T>{gpu::Params<Model, T>(params), pixels, rays}, stream);
  });
  require_model(known, model_id);
}

template <class T>
void unproject_vjp(int model_id, const double* params, Rows<const T, 3> rays, Rows<const T, 3> grad_rays,
                   Rows<T, 2> grad_pixels, View<double, 1> grad_params, cudaStream_t stream) {
  const bool known = gpu::with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    const gpu::UnprojectVjp<Model, T> op{gpu::Params<Model, T>(params), rays, grad_rays, grad_pixels};
    for_each_with_sums(rays.rows, op, grad_params.data, stream);
  });
  require_model(known, model_id);
}

#define FASTCV_INSTANTIATE(T)                                                                                      \
  template void unproject(int, const double*, Rows<const T, 2>, Rows<T, 3>, cudaStream_t);                         \
  template void unproject_vjp(int, const double*, Rows<const T, 3>, Rows<const T, 3>, Rows<T, 2>, View<double, 1>, \
                              cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::camera
