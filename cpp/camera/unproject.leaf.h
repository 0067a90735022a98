// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h. False where the model is unknown.
namespace fastcv::FASTCV_ISA::camera {

template <class T>
bool unproject(int model_id, const double* params, Rows<const T, 2> pixels, Rows<T, 3> rays);
// grad_params: written, the sum over these pixels.
template <class T>
bool unproject_vjp(int model_id, const double* params, Rows<const T, 3> rays, Rows<const T, 3> grad_rays,
                   Rows<T, 2> grad_pixels, double* grad_params);

}  // namespace fastcv::FASTCV_ISA::camera
