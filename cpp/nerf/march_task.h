// SPDX-License-Identifier: Apache-2.0
// What the leaves of marching get and give: some rays, their numbers of samples, and runs of samples.
#pragma once

#include "nerf/march.h"

namespace fastcv::nerf {

struct MarchTask {
  OccupancyGrid grid;
  MarchRays rays;
  MarchSteps steps;
  std::int64_t begin, end;  // rays
  std::int64_t* counts;     // of all rays
  void* runs;
  void (*push)(void* runs, int lane, const MarchRun& run);  // a ray's runs come from one lane, in order
};

}  // namespace fastcv::nerf
