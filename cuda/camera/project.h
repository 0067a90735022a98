// SPDX-License-Identifier: Apache-2.0
// Projection of camera-frame points to pixels, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"

namespace fastcv::cuda::camera {

// As fastcv::camera::project; arrays live on the current device, params on the host.
template <class T>
void project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, cudaStream_t stream);

}  // namespace fastcv::cuda::camera
