// SPDX-License-Identifier: Apache-2.0
// Networks on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/mlp.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::Mlp;
using fastcv::nerf::MlpArrays;
using fastcv::nerf::MlpReal;

template <class T>
void mlp(const Mlp& net, const MlpArrays<T>& arrays, T* out, cudaStream_t stream);
template <class T>
void mlp_vjp(const Mlp& net, const MlpArrays<T>& arrays, const T* grad, T* by_inputs, MlpReal<T>* by_parameters,
             cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
