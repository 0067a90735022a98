// SPDX-License-Identifier: Apache-2.0
// Contraction, one thread a point.
#include "cuda/core/launch.cuh"
#include "cuda/nerf/contraction.h"
#include "nerf/contraction.hd.h"

namespace fastcv::cuda::nerf {

template <class T>
void contract(const Contraction& c, const ContractionPoints<T>& in, T* out, cudaStream_t stream) {
  if (in.tangents == nullptr) {
    for_each(in.rows, gpu::ContractOne<double, T>{c, in, out}, stream);
  } else {
    for_each(in.rows, gpu::ContractOne<gpu::Dual, T>{c, in, out}, stream);
  }
}

template <class T>
void contract_vjp(const Contraction& c, const ContractionPoints<T>& in, const T* grad, T* out, cudaStream_t stream) {
  if (in.tangents == nullptr) {
    for_each(in.rows, gpu::ContractVjpOne<double, T>{c, in, grad, out}, stream);
  } else {
    for_each(in.rows, gpu::ContractVjpOne<gpu::Dual, T>{c, in, grad, out}, stream);
  }
}

#define FASTCV_INSTANTIATE(T)                                                                \
  template void contract(const Contraction&, const ContractionPoints<T>&, T*, cudaStream_t); \
  template void contract_vjp(const Contraction&, const ContractionPoints<T>&, const T*, T*, cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::nerf
