// SPDX-License-Identifier: Apache-2.0
// Marching on a GPU: as fastcv::nerf, but rays are marched twice, once to count; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/march_types.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::MarchRays;
using fastcv::nerf::MarchSamples;
using fastcv::nerf::MarchSteps;
using fastcv::nerf::OccupancyGrid;

void march_count(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, std::int64_t capacity,
                 std::int64_t* offsets, std::int64_t* wanted, cudaStream_t stream);

// Of `capacity` samples, those that belong to no ray become 0.
void march_fill(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, const std::int64_t* offsets,
                const MarchSamples& samples, std::int64_t capacity, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
