// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::nerf {

template <class T>
void mlp(const fastcv::nerf::MlpTask<T>& task, T* out);

// by_inputs and sums (packed, are added to) may be null.
template <class T>
void mlp_vjp(const fastcv::nerf::MlpTask<T>& task, const T* grad, T* by_inputs, fastcv::nerf::MlpReal<T>* sums);

}  // namespace fastcv::FASTCV_ISA::nerf
