// SPDX-License-Identifier: Apache-2.0
// Projection of camera-frame points to pixels, with derivatives, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"

namespace fastcv::cuda::camera {

// As in fastcv::camera; arrays live on the current device, params on the host.
template <class T>
void project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, cudaStream_t stream);
template <class T>
void project_jacobian(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, T* d_points,
                      T* d_params, cudaStream_t stream);
template <class T>
void project_vjp(int model_id, const double* params, Rows<const T, 3> points, Rows<const T, 2> grad_pixels,
                 Rows<T, 3> grad_points, View<double, 1> grad_params, cudaStream_t stream);

}  // namespace fastcv::cuda::camera
