// SPDX-License-Identifier: Apache-2.0
// Occupancy grids on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/occupancy.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::CellPoints;
using fastcv::nerf::OccupancyBits;
using fastcv::nerf::OccupancyGrid;

void occupancy_points(const OccupancyGrid& grid, const CellPoints& cells, cudaStream_t stream);
void occupancy_pack(const OccupancyGrid& grid, const OccupancyBits& bits, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
