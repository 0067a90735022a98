// SPDX-License-Identifier: Apache-2.0
// The guided filter on a GPU: as fastcv::mvs, on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/guided_costs.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::GuidedCosts;

void guided_costs(const GuidedCosts& in, View<float, 3> out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
