// SPDX-License-Identifier: Apache-2.0
// Rays of pixels, with derivatives.
#pragma once

#include "core/view.h"

namespace fastcv::camera {

// Rays have z = 1; x and y are NaN where the pixel has none. Arguments as those of project().
template <class T>
void unproject(int model_id, const double* params, Rows<const T, 2> pixels, Rows<T, 3> rays, int num_threads);

// rays: what unproject() gave.
template <class T>
void unproject_vjp(int model_id, const double* params, Rows<const T, 3> rays, Rows<const T, 3> grad_rays,
                   Rows<T, 2> grad_pixels, View<double, 1> grad_params, int num_threads);

}  // namespace fastcv::camera
