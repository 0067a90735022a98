// SPDX-License-Identifier: Apache-2.0
// Soft-argmin on a GPU: as fastcv::mvs; planes are on the host, all else on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/soft_argmin.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::SoftCosts;
using fastcv::mvs::SoftDepth;
using fastcv::mvs::SoftDepthGrad;

void soft_argmin(const SoftCosts& costs, const SoftDepth& out, cudaStream_t stream);
void soft_argmin_vjp(const SoftCosts& costs, const SoftDepthGrad& grad, View<float, 3> out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
