// SPDX-License-Identifier: Apache-2.0
// Resampling of a photograph to the image of a pinhole camera.
#pragma once

#include "core/view.h"

namespace fastcv::camera {

// image, result: (H, W, C) with 1 to 4 channels of unsigned char or float. ray_from_pixel: (3, 3), from pixels of the
// result to rays in the frame of the photograph's camera.
template <class V>
void undistort_image(int model_id, const double* params, const double* ray_from_pixel, View<const V, 3> image,
                     View<V, 3> result, int num_threads);

}  // namespace fastcv::camera
