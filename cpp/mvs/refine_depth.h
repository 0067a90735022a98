// SPDX-License-Identifier: Apache-2.0
// Refinement of a depth map: each pixel carries a slanted plane, tries those of its neighbours and small changes.
#pragma once

#include <cmath>

#include "mvs/sweep.h"

namespace fastcv::mvs {

constexpr int kMaxRefineWindow = 21;

// What a source's own depth map says: a depth found there is carried back to the reference.
struct SourceDepth {
  const float* depth;      // of the source's size, 0 or NaN for none; null where there is no such map
  float to_reference[12];  // rotation and translation of SweepSource, the other way round
};

struct Refinement {
  Sweep sweep;                 // images, sources, window, and how many sources count; its surfaces are not used
  float nearest, farthest;     // inverse depths between which to look
  float step;                  // of inverse depth: the first change that is tried
  float fx, skew, cx, fy, cy;  // of the reference, from the centre of its first pixel
  float geometric_weight;      // cost of a pixel of reprojection error
  std::uint64_t seed;
  SourceDepth source_depths[kMaxSources];
  // Weights of a sample by its distance from the window's centre along an axis, and by how much brighter or darker it
  // is than that centre. Made by set_weights.
  float spatial[kMaxRefineWindow / 2 + 1], tonal[256];
};

// Weights of a bilateral window: Gaussians whose deviations are the window's radius and a fifth of the grey levels.
// Source: Schönberger et al. 2016, section 4.2.
inline void set_weights(Refinement& refinement) {
  const auto gaussian = [](int x, double deviation) {
    return static_cast<float>(std::exp(-0.5 * (x / deviation) * (x / deviation)));
  };
  const int radius = refinement.sweep.window / 2;
  for (int i = 0; i <= radius; ++i) refinement.spatial[i] = gaussian(i, radius);
  for (int i = 0; i < 256; ++i) refinement.tonal[i] = gaussian(i, 0.2 * 255);
}

// The plane of each pixel: inverse depth there, and how much it grows with each pixel to the right and down; 0 where
// there is none. Each (height, width).
struct PlaneMap {
  View<float, 2> slope_x, slope_y, inverse_depth, cost;  // cost is infinite where there is no plane
};

// depth (height, width) and normals (height, width, 3) towards the camera are where to start, and the result: there
// depth is 0 where there is none, normals are unit vectors or 0. confidence: 1 - cost, at least 0. cost: NaN where
// there is no depth. planes: scratch, (3, height, width).
struct RefinedMap {
  View<float, 2> depth;
  View<float, 3> normals;
  View<float, 2> confidence, cost;
  View<float, 3> planes;
};

FASTCV_HD PlaneMap plane_map(const RefinedMap& map) {
  const std::int64_t height = map.depth.shape[0], width = map.depth.shape[1], size = height * width;
  const auto part = [&](int i) { return View<float, 2>{map.planes.data + i * size, {height, width}}; };
  return {part(0), part(1), part(2), map.cost};
}

void refine_depth(Refinement refinement, const RefinedMap& map, int num_iterations, int num_threads);

}  // namespace fastcv::mvs
