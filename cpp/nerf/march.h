// SPDX-License-Identifier: Apache-2.0
// Samples along rays where an occupancy grid is not empty, packed: those of all rays one after the other. Source:
// Mueller et al. 2022, appendix C ("ray marching"), with the same steps as a march through every cell.
#pragma once

#include <cstdint>
#include <vector>

#include "nerf/occupancy.h"

namespace fastcv::nerf {

struct MarchRays {
  const float *origins, *directions;  // (count, 3), world
  const float *near, *far;            // (count)
  std::int64_t count;
};

// A step is t * cone_angle, but at least `step` and at most `max_step`.
struct MarchSteps {
  float step, cone_angle, max_step;
  bool jitter;  // the first step begins a random part of it later
  std::uint64_t seed;
  std::int64_t first_ray;  // number of the first ray, for the jitter
};

struct MarchSamples {
  float *starts, *ends;  // t along the ray
  std::int32_t* ray_indices;
  float* points;  // (samples, 3) middles, in the unit box of the coarsest level; may be null
};

// Consecutive samples of a ray.
struct MarchRun {
  std::int64_t ray;
  std::int32_t first, count;  // first: what Steps::mark gave
};
inline constexpr int kMostLanes = 16;                  // of a vector
using MarchRuns = std::vector<std::vector<MarchRun>>;  // of each task's lanes

// offsets: (rays + 1), of rays' samples. A ray that would reach beyond `capacity` samples has none, nor has any after
// it. *wanted: how many samples there are without that limit. num_threads 0 means the default; no result depends on it.
MarchRuns march_count(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, std::int64_t capacity,
                      std::int64_t* offsets, std::int64_t* wanted, int num_threads);
void march_fill(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, const MarchRuns& runs,
                const std::int64_t* offsets, const MarchSamples& samples, int num_threads);

}  // namespace fastcv::nerf
