// SPDX-License-Identifier: Apache-2.0
// Plane sweep: the matching cost of every reference pixel on every surface, and the depth where it is lowest.
#pragma once

#include "mvs/sweep.h"

namespace fastcv::mvs {

// All (height, width). depth 0 means none; cost is the winner's, NaN where no source sees the pixel.
struct DepthMap {
  View<float, 2> depth, confidence, cost;
};

// Both (surfaces, height, width). costs: NaN where no source sees the pixel; num_seen: how many do, or null.
struct CostVolume {
  View<float, 3> costs;
  View<std::uint8_t, 3> num_seen;
};

void plane_sweep(const Sweep& sweep, const CostVolume& out, int num_threads);

// The winner of the same costs, which are never stored.
void estimate_depth(const Sweep& sweep, const DepthMap& out, int num_threads);

// The winner of stored costs (surfaces, height, width).
void winner_take_all(View<const float, 3> costs, const Hypotheses& hypotheses, const DepthMap& out, int num_threads);

}  // namespace fastcv::mvs
