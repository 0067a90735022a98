// SPDX-License-Identifier: Apache-2.0
// Resampling of a photograph to the image of a pinhole camera, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"

namespace fastcv::cuda::camera {

// As in fastcv::camera; images live on the current device, params and ray_from_pixel on the host.
template <class V>
void undistort_image(int model_id, const double* params, const double* ray_from_pixel, View<const V, 3> image,
                     View<V, 3> result, cudaStream_t stream);

}  // namespace fastcv::cuda::camera
