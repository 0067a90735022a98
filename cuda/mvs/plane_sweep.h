// SPDX-License-Identifier: Apache-2.0
// Plane sweep on a GPU: as fastcv::mvs; images, bounds and results live on the current device, planes on the host.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/plane_sweep.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::CostVolume;
using fastcv::mvs::DepthMap;
using fastcv::mvs::Hypotheses;
using fastcv::mvs::Sweep;

void plane_sweep(const Sweep& sweep, const CostVolume& out, cudaStream_t stream);
void estimate_depth(const Sweep& sweep, const DepthMap& out, cudaStream_t stream);
void winner_take_all(View<const float, 3> costs, const Hypotheses& hypotheses, const DepthMap& out,
                     cudaStream_t stream);

// One thread a pixel, nothing shared: the oracle of plane_sweep.
void plane_sweep_for_each(const Sweep& sweep, const CostVolume& out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
