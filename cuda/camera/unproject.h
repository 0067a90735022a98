// SPDX-License-Identifier: Apache-2.0
// Rays of pixels, with derivatives, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"

namespace fastcv::cuda::camera {

// As in fastcv::camera; arrays live on the current device, params on the host.
template <class T>
void unproject(int model_id, const double* params, Rows<const T, 2> pixels, Rows<T, 3> rays, cudaStream_t stream);
template <class T>
void unproject_vjp(int model_id, const double* params, Rows<const T, 3> rays, Rows<const T, 3> grad_rays,
                   Rows<T, 2> grad_pixels, View<double, 1> grad_params, cudaStream_t stream);

}  // namespace fastcv::cuda::camera
