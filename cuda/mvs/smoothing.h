// SPDX-License-Identifier: Apache-2.0
// Semi-global smoothing on a GPU: as fastcv::mvs, on the current device. All levels and sums are held while it runs, 3
// bytes a pixel and surface; bands are not needed.
#pragma once

#include "cuda/mvs/plane_sweep.h"
#include "mvs/smoothing.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::Smoothing;

void estimate_smooth_depth(const Sweep& sweep, const Smoothing& smoothing, const DepthMap& out, cudaStream_t stream);
void smooth_costs(View<const float, 3> costs, const Smoothing& smoothing, View<float, 3> out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
