// SPDX-License-Identifier: Apache-2.0
// Semi-global smoothing of the costs of a sweep: along eight paths through the image.
#pragma once

#include "mvs/plane_sweep.h"

namespace fastcv::mvs {

// Costs become levels; the last one stands for a missing cost, too. What four paths add to one counts up to 255.
constexpr int kCostLevels = 32;
constexpr int kMaxCostPenalty = 255 - kCostLevels;

struct Smoothing {
  float max_cost;          // what the last level stands for
  std::int32_t p1, p2;     // penalties of a step of one surface and of a larger one, in levels
  std::int64_t band_rows;  // rows whose costs are held at a time
};

// As estimate_depth, from costs that are summed along the paths. There is a depth where some source sees the point,
// whether it has a cost of its own or not.
void estimate_smooth_depth(const Sweep& sweep, const Smoothing& smoothing, const DepthMap& out, int num_threads);

// The mean over the paths of stored costs, both (surfaces, height, width).
void smooth_costs(View<const float, 3> costs, const Smoothing& smoothing, View<float, 3> out, int num_threads);

}  // namespace fastcv::mvs
