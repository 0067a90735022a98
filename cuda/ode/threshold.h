// SPDX-License-Identifier: Apache-2.0
// Dynamic thresholding on a GPU: no allocation and no waiting.
#pragma once

#include <cuda_runtime_api.h>

#include "ode/threshold.h"

namespace fastcv::cuda::ode {

// As fastcv::ode::dynamic_threshold on the current device; all arrays lie there.
void dynamic_threshold(const fastcv::ode::Threshold& work, cudaStream_t stream);

}  // namespace fastcv::cuda::ode
