// SPDX-License-Identifier: Apache-2.0
// Rays, steps and samples as plain data, and what the leaves of marching get and give.
#pragma once

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

struct MarchTask {
  OccupancyGrid grid;
  MarchRays rays;
  MarchSteps steps;
  std::int64_t begin, end;  // rays
  std::int64_t* counts;     // samples of rays, of all of them
  void* runs;
  void (*push)(void* runs, int lane, const MarchRun& run);  // a ray's runs come from one lane, in order
};

}  // namespace fastcv::nerf
