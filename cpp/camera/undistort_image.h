// SPDX-License-Identifier: Apache-2.0
// Resampling of a photograph to the image of a pinhole camera.
#pragma once

#include "core/view.h"

namespace fastcv::camera {

// image, result: (H, W, C) with 1 to 4 channels of unsigned char or float. pinhole: fx, fy, cx, cy of the result.
template <class V>
void undistort_image(int model_id, const double* params, const double* pinhole, View<const V, 3> image,
                     View<V, 3> result, int num_threads);

}  // namespace fastcv::camera
