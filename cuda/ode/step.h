// SPDX-License-Identifier: Apache-2.0
// One step of a sampler on a GPU: no allocation and no waiting, so that it can be captured in a graph.
#pragma once

#include <cuda_runtime_api.h>

#include "ode/pass.h"

namespace fastcv::cuda::ode {

// As fastcv::ode::step on the current device; all arrays, coefficients and sums included, lie there.
void step(const fastcv::ode::Pass& pass, cudaStream_t stream);

}  // namespace fastcv::cuda::ode
