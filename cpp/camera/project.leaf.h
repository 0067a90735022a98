// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::camera {

template <class T>
void project(int model_id, const double* params, Rows<const T, 3> points, Rows<T, 2> pixels);

}  // namespace fastcv::FASTCV_ISA::camera
