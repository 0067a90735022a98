// SPDX-License-Identifier: Apache-2.0
// Samples along rays where an occupancy grid is not empty, packed: those of all rays one after the other. Source:
// Mueller et al. 2022, appendix C ("ray marching"), with the same steps as a march through every cell.
#pragma once

#include <vector>

#include "nerf/march_types.h"

namespace fastcv::nerf {

inline constexpr int kMostLanes = 16;                  // of a vector
using MarchRuns = std::vector<std::vector<MarchRun>>;  // of each task's lanes

// offsets: (rays + 1), of rays' samples. A ray that would reach beyond `capacity` samples has none, nor has any after
// it. *wanted: how many samples there are without that limit. num_threads 0 means the default; no result depends on it.
MarchRuns march_count(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, std::int64_t capacity,
                      std::int64_t* offsets, std::int64_t* wanted, int num_threads);
void march_fill(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, const MarchRuns& runs,
                const std::int64_t* offsets, const MarchSamples& samples, int num_threads);

}  // namespace fastcv::nerf
