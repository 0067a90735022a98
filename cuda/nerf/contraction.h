// SPDX-License-Identifier: Apache-2.0
// Contraction on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/contraction.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::Contraction;
using fastcv::nerf::ContractionPoints;

template <class T>
void contract(const Contraction& contraction, const ContractionPoints<T>& points, T* out, cudaStream_t stream);
template <class T>
void contract_vjp(const Contraction& contraction, const ContractionPoints<T>& points, const T* grad, T* out,
                  cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
