// SPDX-License-Identifier: Apache-2.0
// One ray through an occupancy grid: from cube to cube, all steps whose middles lie in one at once. What is kept is
// what a test of every step's middle would keep.
#pragma once

#include "core/lanes.hd.h"
#include "nerf/march.h"
#include "nerf/occupancy.hd.h"

namespace fastcv::FASTCV_ISA {

constexpr float kMostSteps = 1 << 22;  // t is then known to a quarter of a step
constexpr float kWithin = 1.0F / 256;  // cells: planes count as so much nearer, more than rounding can move a point

// Positions are in cells of level 0 from the middle of the box.
struct MarchRay {
  float origin[3], direction[3], inverse[3];
  float begin, end;  // where it is in the box; end <= begin for a ray that has no samples

  FASTCV_HD float at(int axis, float t) const { return origin[axis] + t * direction[axis]; }
};

// Kay & Kajiya 1986, "Ray tracing complex scenes", slabs.
FASTCV_HD MarchRay march_ray(const nerf::OccupancyGrid& grid, const nerf::MarchRays& rays, std::int64_t i) {
  MarchRay ray;
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

// The level whose cells are longer than two steps: exponent e of 2 step = m 2^e, 1/2 <= m < 1, as in instant-ngp.
FASTCV_HD int exponent_of(float x) { return (bits_of(x) >> 23) - 126; }

// Cells per length along the axis that has most.
FASTCV_HD float finest_cells(const nerf::OccupancyGrid& grid) {
  const float* cells = grid.cells_per_length;
  return larger(cells[0], larger(cells[1], cells[2]));
}

// All steps alike; numbered, so that no rounding adds up.
struct EvenSteps {
  float begin, step, per_length;
  std::int32_t i, count;
  int level;

  FASTCV_HD EvenSteps(const nerf::MarchSteps& s, const MarchRay& ray, float jitter, const nerf::OccupancyGrid& grid)
      : begin(ray.begin + jitter * s.step),
        step(s.step),
        per_length(1.0F / s.step),
        i(0),
        count(0),
        level(exponent_of(2.0F * s.step * finest_cells(grid))) {
    if (!(ray.begin < ray.end && ray.end <= kMostSteps * step && ray.begin >= -kMostSteps * step)) return;
    count = to_int(larger((ray.end - begin) * per_length, 0.0F));
    while (count > 0 && !(middle_of(count - 1) < ray.end)) --count;
    while (middle_of(count) < ray.end) ++count;
  }
  FASTCV_HD float middle_of(std::int32_t k) const { return begin + (to_float(k) + 0.5F) * step; }

  FASTCV_HD bool inside() const { return i < count; }
  FASTCV_HD float middle() const { return middle_of(i); }
  FASTCV_HD float start() const { return begin + to_float(i) * step; }
  FASTCV_HD float end() const { return begin + to_float(i + 1) * step; }
  FASTCV_HD std::int32_t mark() const { return i; }
  FASTCV_HD void seek(std::int32_t marked) { i = marked; }
  FASTCV_HD void next() { ++i; }
  // To the first step whose middle lies `distance` or farther from this one's; how many steps that are.
  FASTCV_HD std::int32_t pass(float distance) {
    const float steps = distance * per_length;
    std::int32_t n = count - i;
    if (steps < to_float(n)) {
      n = to_int(steps);
      n = larger(n + (to_float(n) < steps), 1);
    }
    i += n;
    return n;
  }
};

// Steps that grow with distance.
struct GrowingSteps {
  nerf::MarchSteps steps;
  float t, length, last, doubled_cells;
  int coarsest;
  int level;

  FASTCV_HD GrowingSteps(const nerf::MarchSteps& s, const MarchRay& ray, float jitter, const nerf::OccupancyGrid& grid)
      : steps(s), t(ray.begin), last(ray.end), doubled_cells(2.0F * finest_cells(grid)), coarsest(grid.levels - 1) {
    seek_to(ray.begin + jitter * length_at(ray.begin));
    const float reach = kMostSteps * length_at(ray.end);
    if (!(ray.begin < ray.end && ray.end <= reach && ray.begin >= -reach)) last = t;
  }
  FASTCV_HD float length_at(float at) const {
    return smaller(larger(at * steps.cone_angle, steps.step), steps.max_step);
  }
  FASTCV_HD void seek_to(float at) {
    t = at;
    length = length_at(at);
    level = larger(0, smaller(exponent_of(length * doubled_cells), coarsest));
  }

  FASTCV_HD bool inside() const { return middle() < last; }
  FASTCV_HD float middle() const { return t + 0.5F * length; }
  FASTCV_HD float start() const { return t; }
  FASTCV_HD float end() const { return t + length; }
  FASTCV_HD std::int32_t mark() const { return bits_of(t); }
  FASTCV_HD void seek(std::int32_t marked) { seek_to(from_bits(marked)); }
  FASTCV_HD void next() { seek_to(end()); }
  // Not beyond where a coarser level is asked for: what is empty in this one need not be there.
  FASTCV_HD std::int32_t pass(float distance) {
    const float until = middle() + distance;
    const int before = level;
    std::int32_t n = 0;
    do {
      next();
      ++n;
    } while (middle() < until && inside() && level == before);
    return n;
  }
};

// The cube around a point of the ray, and how much farther the ray stays in it.
struct Stay {
  bool occupied;
  float distance;
};
FASTCV_HD Stay stay_at(const nerf::OccupancyGrid& grid, const MarchRay& ray, float t, int least_level) {
  float p[3] = {ray.at(0, t), ray.at(1, t), ray.at(2, t)};
  int level = 0;
  if (grid.levels > 1) {
    float farthest = 0;
    for (const float x : p) farthest = larger(farthest, x < 0 ? -x : x);
    level = larger(least_level, exponent_of(farthest * (2.0F / static_cast<float>(grid.resolution))));
    level = larger(0, smaller(level, grid.levels - 1));
  }
  const float scale = 1.0F / static_cast<float>(1 << level);
  int cell[3];
  for (int axis = 0; axis < 3; ++axis) {
    p[axis] = p[axis] * scale + 0.5F * static_cast<float>(grid.resolution);
    cell[axis] = larger(0, smaller(to_int(p[axis]), grid.resolution - 1));
  }
  const Cube cube = cube_around(grid, level, cell[0], cell[1], cell[2]);
  const float side = static_cast<float>(1 << cube.log_side) - kWithin;
  float distance = 1e30F;
  for (int axis = 0; axis < 3; ++axis) {
    const auto lower = static_cast<float>(cell[axis] >> cube.log_side << cube.log_side);
    const float plane = lower + (ray.inverse[axis] > 0 ? side : kWithin);
    distance = smaller(distance, (plane - p[axis]) * ray.inverse[axis]);
  }
  return {cube.occupied, distance * static_cast<float>(1 << level)};
}

// A ray on its way.
template <class Steps>
struct Walk {
  MarchRay ray;
  Steps steps;

  FASTCV_HD Walk(const nerf::OccupancyGrid& grid, const nerf::MarchRays& rays, const nerf::MarchSteps& s,
                 std::int64_t i)
      : ray(march_ray(grid, rays, i)), steps(s, ray, jitter(s, i), grid) {}

  // Through the next cube: sink(mark of the first, count) where its steps are samples. Returns whether they are.
  template <class Sink>
  FASTCV_HD bool advance(const nerf::OccupancyGrid& grid, const Sink& sink) {
    const Stay stay = stay_at(grid, ray, steps.middle(), steps.level);
    const std::int32_t mark = steps.mark(), count = steps.pass(stay.distance);
    if (stay.occupied) sink(mark, count);
    return stay.occupied;
  }

 private:
  FASTCV_HD static float jitter(const nerf::MarchSteps& s, std::int64_t i) {
    return s.jitter ? uniform(random_words(s.seed, Purpose::rays, 0, s.first_ray + i).v[0]) : 0.0F;
  }
};

// `count` samples from where the steps are.
template <class Steps>
FASTCV_HD void write_samples(const nerf::OccupancyGrid& grid, const MarchRay& ray, Steps steps, std::int64_t ray_index,
                             std::int32_t count, const nerf::MarchSamples& out, std::int64_t at) {
  const float scale = 1.0F / static_cast<float>(std::int64_t(grid.resolution) << (grid.levels - 1));
  for (std::int32_t k = 0; k < count; ++k, ++at, steps.next()) {
    out.starts[at] = steps.start();
    out.ends[at] = steps.end();
    out.ray_indices[at] = static_cast<std::int32_t>(ray_index);
    if (out.points == nullptr) continue;
    for (int axis = 0; axis < 3; ++axis) out.points[3 * at + axis] = ray.at(axis, steps.middle()) * scale + 0.5F;
  }
}

// On the host: calls run.operator()<Steps>() with the kind of steps that are asked for.
template <class Run>
void with_steps(const nerf::MarchSteps& steps, const Run& run) {
  if (steps.cone_angle > 0) {
    run.template operator()<GrowingSteps>();
  } else {
    run.template operator()<EvenSteps>();
  }
}

}  // namespace fastcv::FASTCV_ISA
