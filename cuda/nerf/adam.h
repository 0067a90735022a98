// SPDX-License-Identifier: Apache-2.0
// Adam on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/adam.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::AdamStep;
using fastcv::nerf::Storage;

void adam_step(const AdamStep& adam, cudaStream_t stream);
void mark_nonfinite(const void* values, Storage type, std::int64_t count, float* found, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
