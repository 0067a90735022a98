// SPDX-License-Identifier: Apache-2.0
// One step of the refinement for one pixel, or for the lanes of a vector: neighbours of one colour of a checkerboard.
#pragma once

#include "core/philox.hd.h"
#include "mvs/plane_cost.hd.h"

namespace fastcv::FASTCV_ISA {

// Of the angle between a surface's normal and the ray; less is too grazing to be matched.
constexpr float kMinCosine = 0.1F;
// Of a normal, in the first iteration.
constexpr float kNormalStep = 0.5F;

// Not of unit length; away from the camera.
template <class F>
struct Normal {
  F x, y, z;
};

// On a plane n . X = h the inverse depth is (a, b, c) . (x, y, 1) with n ~ K^T (a, b, c); see depth_normals.hd.h.
template <class F>
FASTCV_HD Normal<F> normal_of(const mvs::Refinement& r, F x, F y, const Plane<F>& p) {
  return {r.fx * p.slope_x, r.skew * p.slope_x + r.fy * p.slope_y,
          p.inverse_depth + p.slope_x * (r.cx - x) + p.slope_y * (r.cy - y)};
}

// The plane through the pixel's point with this normal; false in `valid` where the ray only grazes it.
template <class F>
FASTCV_HD Plane<F> plane_of(const mvs::Refinement& r, F x, F y, const Normal<F>& n, F inverse_depth, MaskOf<F>& valid) {
  const F slope_x = n.x / r.fx, slope_y = (n.y - r.skew * slope_x) / r.fy;
  const F facing = n.z - slope_x * (r.cx - x) - slope_y * (r.cy - y);  // n . K^-1 (x, y, 1)
  const F ray_y = (y - r.cy) / r.fy, ray_x = (x - r.cx - r.skew * ray_y) / r.fx;
  const F lengths = (n.x * n.x + n.y * n.y + n.z * n.z) * (ray_x * ray_x + ray_y * ray_y + 1.0F);
  valid = (facing > 0.0F) & (facing * facing > kMinCosine * kMinCosine * lengths);
  const F scale = inverse_depth / facing;
  return {slope_x * scale, slope_y * scale, inverse_depth};
}

// The best plane so far of the pixels that are looked at.
template <class F>
struct Best {
  F x, y;
  const Patch<F>& patch;
  Plane<F> plane;
  F cost;

  // Takes a plane where it is valid and matches better.
  FASTCV_HD void consider(const mvs::Refinement& r, const Plane<F>& candidate, MaskOf<F> valid) {
    valid = valid & patch.textured & (candidate.inverse_depth >= r.farthest) & (candidate.inverse_depth <= r.nearest);
    if (!any(valid)) return;
    const F its_cost = plane_cost(r, patch, x, y, candidate);
    const auto better = valid & (its_cost < cost);
    plane = {select(better, candidate.slope_x, plane.slope_x), select(better, candidate.slope_y, plane.slope_y),
             select(better, candidate.inverse_depth, plane.inverse_depth)};
    cost = select(better, its_cost, cost);
  }
};

template <class F>
FASTCV_HD Plane<F> load_plane(const mvs::PlaneMap& map, IntOf<F> at) {
  return {gather(map.slope_x.data, at), gather(map.slope_y.data, at), gather(map.inverse_depth.data, at)};
}

// The first `count` lanes.
template <class F>
FASTCV_HD void store_best(const mvs::PlaneMap& map, IntOf<F> at, const Best<F>& best, int count) {
  scatter(map.slope_x.data, at, best.plane.slope_x, count);
  scatter(map.slope_y.data, at, best.plane.slope_y, count);
  scatter(map.inverse_depth.data, at, best.plane.inverse_depth, count);
  scatter(map.cost.data, at, best.cost, count);
}

// The cheapest of the pixels that were looked at around each pixel, and where it is.
template <class F>
struct Neighbor {
  F cost = F{} + kNoCost, dx{}, dy{};
  IntOf<F> at{};

  FASTCV_HD void look(const mvs::PlaneMap& map, IntOf<F> x, std::int32_t y, std::int32_t right, std::int32_t down) {
    const auto height = static_cast<std::int32_t>(map.cost.shape[0]),
               width = static_cast<std::int32_t>(map.cost.shape[1]);
    if (y + down < 0 || y + down >= height) return;
    const auto inside = (x + right >= 0) & (x + right < width);
    const IntOf<F> there = select(inside, x + (right + (y + down) * width), IntOf<F>{});
    const auto better = inside & (gather(map.cost.data, there) < cost);
    cost = select(better, gather(map.cost.data, there), cost);
    dx = select(better, F{} + float(right), dx);
    dy = select(better, F{} + float(down), dy);
    at = select(better, there, at);
  }
};

// The cheapest pixel of one of eight regions: four near ones that open like a V, and four lines farther out. All have
// the other colour. Source: Xu & Tao 2019, "Multi-scale geometric consistency guided multi-view stereo", figure 2.
template <class F>
FASTCV_HD Neighbor<F> cheapest_neighbor(const mvs::PlaneMap& map, int region, IntOf<F> x, std::int32_t y) {
  const bool vertical = (region & 1) != 0, far = (region & 4) != 0;
  const std::int32_t sign = (region & 2) != 0 ? 1 : -1;
  Neighbor<F> result;
  const auto look = [&](std::int32_t along, std::int32_t across) {
    result.look(map, x, y, vertical ? across : sign * along, vertical ? sign * along : across);
  };
  if (far) {
    for (std::int32_t along = 3; along <= 23; along += 2) look(along, 0);
  } else {
    look(1, 0);
    for (std::int32_t along = 2; along <= 4; ++along) {
      look(along, 1 - along);
      look(along, along - 1);
    }
  }
  return result;
}

constexpr int kNumRandom = 8;

// Numbers in [-1, 1] that depend on seed, iteration and pixel alone.
template <class F>
FASTCV_HD void random_numbers(std::uint64_t seed, int iteration, IntOf<F> pixel, F (&numbers)[kNumRandom]) {
  for (int lane = 0; lane < kLanesOf<F>; ++lane) {
    const auto index = 2 * static_cast<std::uint64_t>(get_lane(pixel, lane));
    for (int block = 0; block < 2; ++block) {
      const Philox4 bits = philox(seed, static_cast<std::uint64_t>(iteration), index + block);
      for (int i = 0; i < 4; ++i) {
        set_lane(numbers[4 * block + i], lane, to_float(static_cast<std::int32_t>(bits.v[i])) * 0x1p-31F);
      }
    }
  }
}

// A change of depth, one of the normal, both, and a plane at random: smaller changes in each iteration.
template <class F>
FASTCV_HD void try_changes(const mvs::Refinement& r, int iteration, IntOf<F> pixel, Best<F>& best) {
  const float shrink = 1.0F / float(1 << iteration);
  F random[kNumRandom]{};
  random_numbers<F>(r.seed, iteration, pixel, random);
  for (int change = 0; change < 4; ++change) {
    const bool anywhere = change == 3;
    Normal<F> n = normal_of(r, best.x, best.y, best.plane);
    F inverse_depth = best.plane.inverse_depth;
    MaskOf<F> start = best.cost < kNoCost, valid;
    if (anywhere) {
      const F middle = F{} + 0.5F * (r.nearest + r.farthest);
      inverse_depth = middle + (0.5F * (r.nearest - r.farthest)) * random[4];
      const F sign = select(random[7] < 0.0F, F{} - 1.0F, F{} + 1.0F);
      n = {random[5], random[6], random[7] * sign};
      start = best.x == best.x;
    } else if (change != 0) {
      const F length = 1.0F / inverse_sqrt(larger(n.x * n.x + n.y * n.y + n.z * n.z, F{} + 1e-30F));
      const F amount = (kNormalStep * shrink) * length;
      n = {n.x + amount * random[1], n.y + amount * random[2], n.z + amount * random[3]};
    }
    if (change == 0 || change == 2) inverse_depth += (r.step * shrink) * random[0];
    const Plane<F> plane = plane_of(r, best.x, best.y, n, inverse_depth, valid);
    best.consider(r, plane, start & valid);
  }
}

// Planes of the given depths and normals, and their costs.
template <class F>
FASTCV_HD void start_pixels(const mvs::Refinement& r, const mvs::RefinedMap& map, IntOf<F> x, std::int32_t y,
                            int count) {
  Patch<F> patch;
  make_patch(r, x, y, patch);
  Best<F> best{to_float(x), F{} + float(y), patch, {F{}, F{}, F{}}, F{} + kNoCost};
  const IntOf<F> at = x + y * static_cast<std::int32_t>(map.depth.shape[1]);
  const F depth = gather(map.depth.data, at);
  const auto axis = [&](int i) {
    F value{};
    for (int lane = 0; lane < kLanesOf<F>; ++lane) {
      set_lane(value, lane, -map.normals.data[3 * std::int64_t(get_lane(at, lane)) + i]);
    }
    return value;
  };
  MaskOf<F> facing;
  const Plane<F> plane = plane_of(r, best.x, best.y, {axis(0), axis(1), axis(2)}, 1.0F / depth, facing);
  const Plane<F> upright{select(facing, plane.slope_x, F{}), select(facing, plane.slope_y, F{}), 1.0F / depth};
  best.consider(r, upright, depth > 0.0F);
  store_best(mvs::plane_map(map), at, best, count);
}

// Tries the planes of neighbours, which have the other colour and do not change meanwhile, and changes of the best.
template <class F>
FASTCV_HD void update_pixels(const mvs::Refinement& r, const mvs::PlaneMap& map, int iteration, IntOf<F> x,
                             std::int32_t y, int count) {
  const IntOf<F> at = x + y * static_cast<std::int32_t>(map.cost.shape[1]);
  Patch<F> patch;
  make_patch(r, x, y, patch);
  Best<F> best{to_float(x), F{} + float(y), patch, load_plane<F>(map, at), gather(map.cost.data, at)};
  for (int region = 0; region < 8; ++region) {
    const Neighbor<F> neighbor = cheapest_neighbor<F>(map, region, x, y);
    Plane<F> plane = load_plane<F>(map, neighbor.at);
    plane.inverse_depth -= plane.slope_x * neighbor.dx + plane.slope_y * neighbor.dy;
    best.consider(r, plane, neighbor.cost < kNoCost);
  }
  try_changes(r, iteration, at, best);
  store_best(map, at, best, count);
}

// From planes to depth, unit normals towards the camera, confidence, and NaN for no cost.
FASTCV_HD void finish_pixel(const mvs::Refinement& r, const mvs::RefinedMap& map, std::int64_t i) {
  const mvs::PlaneMap planes = mvs::plane_map(map);
  const std::int64_t width = map.depth.shape[1];
  const Plane<float> plane{planes.slope_x.data[i], planes.slope_y.data[i], planes.inverse_depth.data[i]};
  const bool found = map.cost.data[i] < kNoCost;
  const Normal<float> n = normal_of(r, float(i % width), float(i / width), plane);
  const float scale = found ? -inverse_sqrt(n.x * n.x + n.y * n.y + n.z * n.z) : 0.0F;
  map.depth.data[i] = found ? 1.0F / plane.inverse_depth : 0.0F;
  map.normals.data[3 * i] = n.x * scale, map.normals.data[3 * i + 1] = n.y * scale;
  map.normals.data[3 * i + 2] = n.z * scale;
  map.confidence.data[i] = found ? larger(1.0F - map.cost.data[i], 0.0F) : 0.0F;
  if (!found) map.cost.data[i] = __builtin_nanf("");
}

}  // namespace fastcv::FASTCV_ISA
