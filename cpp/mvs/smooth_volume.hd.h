// SPDX-License-Identifier: Apache-2.0
// Semi-global smoothing with levels in memory, as many threads want it: per pixel everything but the paths
// (path_line.hd.h). A CPU keeps rows in cache instead (smoothing.leaf.cpp), with the same results.
#pragma once

#include "mvs/semi_global.hd.h"
#include "mvs/smooth_pixel.hd.h"

namespace fastcv::FASTCV_ISA {

// (height, width, surfaces); what the paths add, the first four of kSmoothPaths and the others.
struct SmoothVolume {
  View<std::uint8_t, 3> levels, sums[2];

  FASTCV_HD std::int32_t total(std::int64_t y, std::int64_t x, std::int64_t d) const {
    return kNumSweepPaths * levels(y, x, d) + sums[0](y, x, d) + sums[1](y, x, d);
  }
};
constexpr int kSmoothPaths[2][4] = {{0, 2, 3, 4}, {1, 5, 6, 7}};

// Costs (surfaces, height, width) of surfaces from `first` on.
struct LevelOfCost {
  View<const float, 3> costs;
  float levels_per_cost;
  View<std::uint8_t, 3> levels;
  std::int64_t first;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = costs.shape[2], height = costs.shape[1];
    const auto level = static_cast<std::uint8_t>(level_of<float>(costs.data[i], levels_per_cost));
    levels(i / width % height, i % width, first + i / (width * height)) = level;
  }
};

struct CostOfTotal {
  SmoothVolume volume;
  float cost_per_total;
  View<float, 3> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = out.shape[2], height = out.shape[1];
    out.data[i] = to_float(volume.total(i / width % height, i % width, i / (width * height))) * cost_per_total;
  }
};

struct SmoothWinner {
  mvs::Sweep sweep;
  SmoothVolume volume;
  float cost_per_total;
  mvs::DepthMap out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = out.depth.shape[1], y = i / width, x = i % width, num = sweep.hypotheses.num;
    Winner<float> winner;
    for (std::int64_t d = 0; d < num; ++d) {
      winner.add(to_float(volume.total(y, x, d)) * cost_per_total, static_cast<std::int32_t>(d));
    }
    winner.add(__builtin_nanf(""), static_cast<std::int32_t>(num));
    const WinnerPixel pixel = finish_smooth(sweep, winner, x, y);
    out.depth.data[i] = pixel.depth;
    out.confidence.data[i] = pixel.confidence;
    out.cost.data[i] = pixel.cost;
  }
};

}  // namespace fastcv::FASTCV_ISA
