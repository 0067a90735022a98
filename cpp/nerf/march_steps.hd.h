// SPDX-License-Identifier: Apache-2.0
// The steps of a ray, or of a vector of rays: all alike, or growing with distance.
#pragma once

#include "core/lane_access.hd.h"
#include "nerf/march_types.h"

namespace fastcv::FASTCV_ISA {

constexpr float kMostSteps = 1 << 22;  // t is then known to a quarter of a step

// Positions are in cells of level 0 from the middle of the box.
template <class F>
struct MarchRay {
  F origin[3], direction[3], inverse[3];
  F begin, end;  // where it is in the box; end <= begin for a ray that has no samples

  FASTCV_HD F at(int axis, F t) const { return origin[axis] + t * direction[axis]; }
};

// e with x = m 2^e and 1/2 <= m < 1, for x > 0; the level whose cells are longer than two steps, as in instant-ngp, is
// that of two steps in cells.
template <class F>
FASTCV_HD IntOf<F> exponent_of(F x) {
  return (bits_of(x) >> 23) - 126;
}
template <class Int>
FASTCV_HD auto power_of_two(Int exponent) {
  return from_bits((exponent + 127) << 23);
}

// Cells per length along the axis that has most.
FASTCV_HD float finest_cells(const nerf::OccupancyGrid& grid) {
  const float* cells = grid.cells_per_length;
  return larger(cells[0], larger(cells[1], cells[2]));
}

// Whether single precision can count the steps: t changes by each of them.
FASTCV_HD bool countable(const MarchRay<float>& ray, float first_step, float last_step) {
  return ray.begin < ray.end && ray.begin >= -kMostSteps * first_step && ray.end <= kMostSteps * last_step;
}

// All steps alike; numbered, so that no rounding adds up.
template <class F>
struct EvenSteps {
  using Int = IntOf<F>;
  float step, per_length;
  F begin;
  Int i, count, level;

  EvenSteps() = default;
  FASTCV_HD EvenSteps(const nerf::MarchSteps& s, const MarchRay<float>& ray, float jitter,
                      const nerf::OccupancyGrid& grid)
      : step(s.step),
        per_length(1.0F / s.step),
        begin(ray.begin + jitter * s.step),
        i(0),
        count(0),
        level(exponent_of(2.0F * s.step * finest_cells(grid))) {
    if (!countable(ray, step, step)) return;
    count = to_int(larger((ray.end - begin) * per_length, 0.0F));
    while (count > 0 && !(middle_of(count - 1) < ray.end)) --count;
    while (middle_of(count) < ray.end) ++count;
  }
  FASTCV_HD F middle_of(Int k) const { return begin + (to_float(k) + 0.5F) * step; }

  FASTCV_HD auto inside() const { return i < count; }
  FASTCV_HD F middle() const { return middle_of(i); }
  FASTCV_HD F start() const { return begin + to_float(i) * step; }
  FASTCV_HD F end() const { return begin + to_float(i + 1) * step; }
  FASTCV_HD Int mark() const { return i; }
  FASTCV_HD void seek(Int marked) { i = marked; }
  FASTCV_HD void next() { i = i + 1; }
  // To the first step whose middle lies `distance` or farther from this one's; how many steps that are.
  FASTCV_HD Int pass(F distance) {
    const Int left = count - i;
    const F steps = smaller(distance * per_length, to_float(left));
    Int n = to_int(steps);
    n = larger(select(to_float(n) < steps, n + 1, n), Int{} + 1);
    i = i + n;
    return n;
  }
};

// Steps that grow with distance.
template <class F>
struct GrowingSteps {
  using Int = IntOf<F>;
  nerf::MarchSteps steps;
  float doubled_cells;
  std::int32_t coarsest;
  F t, length, last;
  Int level;

  GrowingSteps() = default;
  FASTCV_HD GrowingSteps(const nerf::MarchSteps& s, const MarchRay<float>& ray, float jitter,
                         const nerf::OccupancyGrid& grid)
      : steps(s), doubled_cells(2.0F * finest_cells(grid)), coarsest(grid.levels - 1), last(ray.end) {
    seek_to(ray.begin + jitter * length_at(ray.begin));
    if (!countable(ray, length_at(ray.begin), length_at(ray.end))) last = t;
  }
  FASTCV_HD F length_at(F at) const {
    return smaller(larger(at * steps.cone_angle, F{} + steps.step), F{} + steps.max_step);
  }
  FASTCV_HD void seek_to(F at) {
    t = at;
    length = length_at(at);
    level = larger(Int{}, smaller(exponent_of(length * doubled_cells), Int{} + coarsest));
  }

  FASTCV_HD auto inside() const { return middle() < last; }
  FASTCV_HD F middle() const { return t + 0.5F * length; }
  FASTCV_HD F start() const { return t; }
  FASTCV_HD F end() const { return t + length; }
  FASTCV_HD Int mark() const { return bits_of(t); }
  FASTCV_HD void seek(Int marked) { seek_to(from_bits(marked)); }
  FASTCV_HD void next() { seek_to(end()); }
  // Not beyond where a coarser level is asked for: what is empty in this one need not be there.
  FASTCV_HD Int pass(F distance) {
    const F until = middle() + distance;
    const Int before = level;
    next();
    Int n = Int{} + 1;
    auto more = (middle() < until) & inside() & (level == before);
    while (any(more)) {
      seek_to(select(more, end(), t));
      n = select(more, n + 1, n);
      more = more & (middle() < until) & inside() & (level == before);
    }
    return n;
  }
};

}  // namespace fastcv::FASTCV_ISA
