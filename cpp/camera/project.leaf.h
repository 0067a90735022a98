// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h. False where the model is unknown.
namespace fastcv::FASTCV_ISA::camera {

template <class T>
bool project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels);
template <class T>
bool project_jacobian(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels, T* d_points,
                      T* d_params);
// grad_params: written, the sum over these points.
template <class T>
bool project_vjp(int model_id, const double* params, Rows<const T, 3> points, Rows<const T, 2> grad_pixels,
                 Rows<T, 3> grad_points, double* grad_params);

}  // namespace fastcv::FASTCV_ISA::camera
