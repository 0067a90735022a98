// SPDX-License-Identifier: Apache-2.0
// Plane sweep on a GPU: as fastcv::mvs; images and results live on the current device, inverse depths on the host.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/plane_sweep.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::DepthMap;
using fastcv::mvs::Sweep;

void plane_sweep(const Sweep& sweep, View<float, 3> out, cudaStream_t stream);
void estimate_depth(const Sweep& sweep, const DepthMap& out, cudaStream_t stream);
void winner_take_all(View<const float, 3> costs, const float* inverse_depths, const DepthMap& out, cudaStream_t stream);

// One thread a pixel, nothing shared: the oracle of plane_sweep.
void plane_sweep_for_each(const Sweep& sweep, View<float, 3> out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
