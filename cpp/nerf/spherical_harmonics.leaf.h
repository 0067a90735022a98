// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

// Columns: coordinate d of a direction is d columns of `stride` further, and so are tangents, values and gradients.
template <class T>
void spherical_harmonics(int degree, const T* directions, const T* tangents, std::int64_t stride, std::int64_t count,
                         T* out);
template <class T>
void spherical_harmonics_vjp(int degree, const T* directions, const T* tangents, const T* grad, std::int64_t stride,
                             std::int64_t count, T* out);

}  // namespace fastcv::FASTCV_ISA::nerf
