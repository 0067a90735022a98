// SPDX-License-Identifier: Apache-2.0
// What semi-global matching computes of one element, the same integers on every processor.
// Source: Hirschmüller 2008, "Stereo processing by semiglobal matching and mutual information".
#pragma once

#include <cstdint>

#include "core/lanes.hd.h"
#include "mvs/disparity.h"
#include "mvs/smoothing.h"

namespace fastcv::FASTCV_ISA {

// The census transform (Zabih & Woodfill 1994) compares a pixel with 48 others: the 5 x 5 around it, and every third
// one out to 6 pixels. Fine texture counts, and so does what a large window sees, for the same 48 bits.
constexpr int kCensusRadius = mvs::kCensusRadius, kCensusBytes = 6, kCensusBits = 8 * kCensusBytes;
struct CensusPattern {
  std::int8_t dx[kCensusBits], dy[kCensusBits];
};
FASTCV_HD constexpr CensusPattern census_pattern() {
  CensusPattern pattern{};
  int k = 0;
  for (int y = -kCensusRadius; y <= kCensusRadius; ++y) {
    for (int x = -kCensusRadius; x <= kCensusRadius; ++x) {
      const bool near = x >= -2 && x <= 2 && y >= -2 && y <= 2, far = x % 3 == 0 && y % 3 == 0;
      if ((near || far) && (x != 0 || y != 0)) {
        pattern.dx[k] = static_cast<std::int8_t>(x);
        pattern.dy[k++] = static_cast<std::int8_t>(y);
      }
    }
  }
  return pattern;
}

// A cost is the number of bits that differ. A partner outside of the other image costs kOutsideCost, so that a path may
// leave the image where it finds nothing better inside; but a pixel to which all partners inside are alike (no texture)
// tells nothing about the outside either, and gives it the same cost. What lies outside is never chosen.
constexpr std::int32_t kOutsideCost = 16;
FASTCV_HD std::int32_t outside_cost(std::int32_t least_inside, std::int32_t most_inside) {
  return least_inside == most_inside ? least_inside : kOutsideCost;
}

// Sums over the paths of disparities stay below 5 * 48 + 5 * kMaxPenalty; one of kNoSum or more stands for no
// candidate.
constexpr std::int32_t kNumPaths = 5, kNoSum = kNumPaths * 255;

// The same for one value as for bytes, which stop at 255.
FASTCV_HD std::int32_t plus(std::int32_t a, std::int32_t b) { return a + b; }

// What a path adds to the cost of a pixel at one disparity (eq. 13 there, without the cost). The arguments are the
// path's costs at the pixel before: at the same disparity, one below, one above, and the smallest of all.
template <class V>
FASTCV_HD V path_step(V here, V below, V above, V least, V p1, V p2) {
  return smaller(smaller(here, plus(smaller(below, above), p1)), plus(least, p2)) - least;
}

// The sums of a pixel's best disparity and of its neighbours, and the best one further away; kNoSum or more where there
// is none.
struct BestDisparity {
  std::int32_t index, sum, below, above, rival;
};

// 1 - best / rival; 0 without a rival.
FASTCV_HD float confidence_of(const BestDisparity& best) {
  const bool distinct = (best.rival < kNoSum) & (best.rival > best.sum);
  const float rival = to_float(distinct ? best.rival : 1);
  return distinct ? (rival - to_float(best.sum)) / rival : 0.0F;
}

// Where the parabola through three sums is lowest, from the one in the middle; 0 where one of them is missing.
FASTCV_HD float vertex_of(const BestDisparity& best) {
  const std::int32_t below = best.below - best.sum, above = best.above - best.sum;
  const bool inside = (best.below < kNoSum) & (best.above < kNoSum) & (below + above > 0);
  return inside ? to_float(below - above) / to_float(2 * (below + above)) : 0.0F;
}

// NaN where the right image's pixel prefers another one, or where the match is not distinct enough.
FASTCV_HD float disparity_of(const BestDisparity& best, std::int32_t index_from_right, const mvs::StereoMatch& match) {
  const std::int32_t difference = best.index - index_from_right;
  const bool agree = (difference <= match.max_difference) & (-difference <= match.max_difference);
  const float confidence = confidence_of(best);
  const bool valid = agree & (confidence > 0) & (confidence >= match.min_confidence);
  return valid ? to_float(match.min_disparity + best.index) + vertex_of(best) : __builtin_nanf("");
}

// The costs of a sweep become levels; what is missing counts as the worst. kWall lies beyond the last surface.
constexpr std::int32_t kNumSweepPaths = 8;
constexpr std::uint8_t kWall = 255;
FASTCV_HD float levels_per_cost(float max_cost) { return float(mvs::kCostLevels) / max_cost; }
template <class F>
FASTCV_HD IntOf<F> level_of(F cost, float levels_per_cost) {
  const F scaled = cost * levels_per_cost + 0.5F;
  return select(scaled < float(mvs::kCostLevels), to_int(larger(scaled, F{})), IntOf<F>{} + mvs::kCostLevels);
}

// Back from the sum over all paths to their mean. One of kNoTotal or more lies beyond the last surface.
constexpr std::int32_t kNoTotal = kNumSweepPaths * kWall;
FASTCV_HD float cost_per_total(float max_cost) { return max_cost / float(kNumSweepPaths * mvs::kCostLevels); }

}  // namespace fastcv::FASTCV_ISA
