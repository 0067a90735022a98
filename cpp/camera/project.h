// SPDX-License-Identifier: Apache-2.0
// Projection of camera-frame points to pixels.
#pragma once

#include "core/view.h"

namespace fastcv::camera {

// T is float or double. params: the model's parameters. num_threads 0 means the default.
template <class T>
void project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, int num_threads);

}  // namespace fastcv::camera
