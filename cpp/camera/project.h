// SPDX-License-Identifier: Apache-2.0
// Projection of camera-frame points to pixels, with derivatives.
#pragma once

#include "core/view.h"

namespace fastcv::camera {

// T is float or double. params: the model's parameters. num_threads 0 means the default. An unknown model_id throws
// std::invalid_argument.
template <class T>
void project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, int num_threads);

// d_points: (N, 2, 3), d_params: (N, 2, number of parameters), both contiguous.
template <class T>
void project_jacobian(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, T* d_points,
                      T* d_params, int num_threads);

// grad_params: one value per parameter.
template <class T>
void project_vjp(int model_id, const double* params, Rows<const T, 3> points, Rows<const T, 2> grad_pixels,
                 Rows<T, 3> grad_points, View<double, 1> grad_params, int num_threads);

}  // namespace fastcv::camera
