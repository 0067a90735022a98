// SPDX-License-Identifier: Apache-2.0
// A ray, or a vector of rays, through an occupancy grid: from cube to cube, all steps whose middles lie in one at once.
// What is kept is what a test of every step's middle would keep.
#pragma once

#include "core/lane_access.hd.h"
#include "nerf/march_steps.hd.h"
#include "nerf/occupancy.hd.h"

namespace fastcv::FASTCV_ISA {

constexpr float kWithin = 1.0F / 256;  // cells: planes count as so much nearer, more than rounding can move a point

// Kay & Kajiya 1986, "Ray tracing complex scenes", slabs.
FASTCV_HD MarchRay<float> march_ray(const nerf::OccupancyGrid& grid, const nerf::MarchRays& rays, std::int64_t i) {
  MarchRay<float> ray;
  ray.begin = rays.near[i];
  ray.end = rays.far[i];
  const float half = 0.5F * static_cast<float>(grid.resolution) * static_cast<float>(1 << (grid.levels - 1));
  float sum = 0;
  bool goes = false;
  for (int axis = 0; axis < 3; ++axis) {
    const float scale = grid.cells_per_length[axis];
    const float o = (rays.origins[3 * i + axis] - grid.center[axis]) * scale, d = rays.directions[3 * i + axis] * scale;
    const bool moves = d < -1e-30F || d > 1e-30F;
    ray.origin[axis] = o;
    ray.direction[axis] = d;
    ray.inverse[axis] = moves ? 1.0F / d : 1e30F;
    goes |= moves;
    sum += o + d;
    if (moves) {
      const float a = (-half - o) * ray.inverse[axis], b = (half - o) * ray.inverse[axis];
      ray.begin = larger(ray.begin, smaller(a, b));
      ray.end = smaller(ray.end, larger(a, b));
    } else if (!(o >= -half && o <= half)) {
      ray.end = ray.begin;
    }
  }
  const bool usable = sum * 0.0F == 0.0F && goes && rays.near[i] <= rays.far[i];  // finite, going somewhere
  if (!(usable && ray.begin < ray.end)) ray.begin = ray.end = 0;
  return ray;
}

// The cube around a point of the ray, and how much farther the ray stays in it.
template <class F>
struct Stay {
  MaskOf<F> occupied;
  F distance;
};
template <class F>
FASTCV_HD Stay<F> stay_at(const nerf::OccupancyGrid& grid, const MarchRay<F>& ray, F t, IntOf<F> least_level) {
  using Int = IntOf<F>;
  const float half = 0.5F * static_cast<float>(grid.resolution);
  F p[3] = {ray.at(0, t), ray.at(1, t), ray.at(2, t)}, cells{};
  Int level{}, cell[3];
  cells = cells + 1.0F;
  if (grid.levels > 1) {
    F farthest{};
    for (const F& x : p) farthest = larger(farthest, larger(x, -x));
    level = larger(least_level, exponent_of(farthest * (1.0F / half)));
    level = larger(Int{}, smaller(level, Int{} + (grid.levels - 1)));
    cells = power_of_two(level);
    for (F& x : p) x = x * power_of_two(-level);
  }
  for (int axis = 0; axis < 3; ++axis) {
    p[axis] = p[axis] + half;
    cell[axis] = larger(Int{}, smaller(to_int(p[axis]), Int{} + (grid.resolution - 1)));
  }
  const Cube<F> cube = cube_around<F>(grid, level, cell);
  const F side = to_float(-cube.corner_bits) - kWithin;
  F distance{};
  distance = distance + 1e30F;
  for (int axis = 0; axis < 3; ++axis) {
    const F corner = to_float(cell[axis] & cube.corner_bits);
    const F plane = corner + select(ray.inverse[axis] > F{}, side, F{} + kWithin);
    distance = smaller(distance, (plane - p[axis]) * ray.inverse[axis]);
  }
  return {cube.occupied, distance * cells};
}

FASTCV_HD float jitter_of(const nerf::MarchSteps& s, std::int64_t ray) {
  return s.jitter ? uniform(random_words(s.seed, Purpose::rays, 0, s.first_ray + ray).v[0]) : 0.0F;
}

// A ray on its way.
template <class Steps>
struct Walk {
  MarchRay<float> ray;
  Steps steps;

  FASTCV_HD Walk(const nerf::OccupancyGrid& grid, const nerf::MarchRays& rays, const nerf::MarchSteps& s,
                 std::int64_t i)
      : ray(march_ray(grid, rays, i)), steps(s, ray, jitter_of(s, i), grid) {}

  // Through the next cube: sink(mark of the first, count) where its steps are samples.
  template <class Sink>
  FASTCV_HD void advance(const nerf::OccupancyGrid& grid, const Sink& sink) {
    const Stay<float> stay = stay_at(grid, ray, steps.middle(), steps.level);
    const std::int32_t mark = steps.mark(), count = steps.pass(stay.distance);
    if (stay.occupied) sink(mark, count);
  }
};

// `count` samples from where the steps are.
template <class Steps>
FASTCV_HD void write_samples(const nerf::OccupancyGrid& grid, const MarchRay<float>& ray, Steps steps,
                             std::int64_t ray_index, std::int32_t count, const nerf::MarchSamples& out,
                             std::int64_t at) {
  const float scale = 1.0F / static_cast<float>(std::int64_t(grid.resolution) << (grid.levels - 1));
  for (std::int32_t k = 0; k < count; ++k, ++at, steps.next()) {
    out.starts[at] = steps.start();
    out.ends[at] = steps.end();
    out.ray_indices[at] = static_cast<std::int32_t>(ray_index);
    if (out.points == nullptr) continue;
    for (int axis = 0; axis < 3; ++axis) out.points[3 * at + axis] = ray.at(axis, steps.middle()) * scale + 0.5F;
  }
}

// Calls run.operator()<Steps>() with the kind of steps that are asked for.
template <class F, class Run>
void with_steps(const nerf::MarchSteps& steps, const Run& run) {
  if (steps.cone_angle > 0) {
    run.template operator()<GrowingSteps<F>>();
  } else {
    run.template operator()<EvenSteps<F>>();
  }
}

}  // namespace fastcv::FASTCV_ISA
