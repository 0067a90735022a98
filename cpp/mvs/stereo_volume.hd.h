// SPDX-License-Identifier: Apache-2.0
// Semi-global matching with costs in memory, as many threads want it: per pixel everything but the paths
// (path_line.hd.h). A CPU keeps rows in cache instead (disparity.leaf.cpp), with the same results.
#pragma once

#include "mvs/disparity.h"
#include "mvs/semi_global.hd.h"

namespace fastcv::FASTCV_ISA {

struct CensusPixel {
  View<const std::uint16_t, 2> luma;
  View<std::uint64_t, 2> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    constexpr CensusPattern pattern = census_pattern();
    const std::int64_t width = out.shape[1], y = i / width, x = i % width + kCensusRadius, last = luma.shape[0] - 1;
    const std::uint16_t center = luma(y, x);
    std::uint64_t bits = 0;
    for (int k = 0; k < kCensusBits; ++k) {
      const std::int64_t row = y + pattern.dy[k] < 0 ? 0 : y + pattern.dy[k] > last ? last : y + pattern.dy[k];
      bits |= static_cast<std::uint64_t>(luma(row, x + pattern.dx[k]) > center) << k;
    }
    out.data[i] = bits;
  }
};

FASTCV_HD std::int32_t count_ones(std::uint64_t bits) {
#ifdef __CUDA_ARCH__
  return __popcll(bits);
#else
  return __builtin_popcountll(bits);
#endif
}

// (height, width, num_disparities), and what the paths add to each cost.
struct StereoVolume {
  mvs::StereoMatch match;
  View<std::uint8_t, 3> cost, sum;

  // Indices [first, last) of the partners of a left column that lie in the right image.
  FASTCV_HD std::int32_t first_inside(std::int64_t x) const {
    const std::int64_t first = x - match.min_disparity - (cost.shape[1] - 1);
    return static_cast<std::int32_t>(first < 0 ? 0 : first);
  }
  FASTCV_HD std::int32_t last_inside(std::int64_t x) const {
    const std::int64_t last = x - match.min_disparity + 1;
    return static_cast<std::int32_t>(last < match.num_disparities ? last : match.num_disparities);
  }
  FASTCV_HD std::int32_t total(std::int64_t y, std::int64_t x, std::int64_t d) const {
    return kNumPaths * cost(y, x, d) + sum(y, x, d);
  }
};

struct CostPixel {
  StereoVolume volume;
  View<const std::uint64_t, 2> left, right;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = left.shape[1], y = i / width, x = i % width;
    const std::int32_t first = volume.first_inside(x), last = volume.last_inside(x);
    std::int32_t least = 255, most = 0;
    for (std::int32_t d = first; d < last; ++d) {
      const std::int32_t cost = count_ones(left(y, x) ^ right(y, x - volume.match.min_disparity - d));
      volume.cost(y, x, d) = static_cast<std::uint8_t>(cost);
      least = smaller(least, cost);
      most = larger(most, cost);
    }
    const auto outside = static_cast<std::uint8_t>(outside_cost(least, most));
    for (std::int32_t d = 0; d < volume.match.num_disparities; ++d) {
      if (d < first || d >= last) volume.cost(y, x, d) = outside;
    }
  }
};

struct BestPixel {
  StereoVolume volume;
  BestDisparity* best;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = volume.cost.shape[1], y = i / width, x = i % width;
    const std::int32_t first = volume.first_inside(x), last = volume.last_inside(x);
    BestDisparity found{0, kNoSum, kNoSum, kNoSum, kNoSum};
    for (std::int32_t d = first; d < last; ++d) {
      const std::int32_t total = volume.total(y, x, d);
      if (total < found.sum) {
        found.index = d;
        found.sum = total;
      }
    }
    if (found.index > first) found.below = volume.total(y, x, found.index - 1);
    if (found.index + 1 < last) found.above = volume.total(y, x, found.index + 1);
    for (std::int32_t d = first; d < last; ++d) {
      const bool far = d - found.index > 1 || found.index - d > 1;
      if (far) found.rival = smaller(found.rival, volume.total(y, x, d));
    }
    best[i] = found;
  }
};

// The index that a pixel of the right image would choose.
struct RightPixel {
  StereoVolume volume;
  std::int32_t* index;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = volume.cost.shape[1], y = i / width, partner = i % width + volume.match.min_disparity;
    std::int32_t least = kNoSum;
    index[i] = -1;
    for (std::int32_t d = 0; d < volume.match.num_disparities; ++d) {
      const std::int64_t x = partner + d;
      const std::int32_t total = x >= 0 && x < width ? volume.total(y, x, d) : kNoSum;
      if (total < least) {
        least = total;
        index[i] = d;
      }
    }
  }
};

struct FinishPixel {
  mvs::StereoMatch match;
  mvs::DisparityMap out;
  const BestDisparity* best;
  const std::int32_t* right_index;

  FASTCV_HD void operator()(std::int64_t i) const {
    // Without a candidate the index is 0, whose partner may lie outside; there is no rival either.
    const bool any = best[i].sum < kNoSum;
    const std::int32_t from_right = any ? right_index[i - match.min_disparity - best[i].index] : 0;
    const float disparity = disparity_of(best[i], from_right, match);
    out.disparity.data[i] = disparity;
    out.confidence.data[i] = disparity == disparity ? confidence_of(best[i]) : 0.0F;
  }
};

}  // namespace fastcv::FASTCV_ISA
