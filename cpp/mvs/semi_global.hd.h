// SPDX-License-Identifier: Apache-2.0
// What semi-global matching computes of one element, the same integers on every processor.
// Source: Hirschmüller 2008, "Stereo processing by semiglobal matching and mutual information".
#pragma once

#include <cstdint>

#include "core/lanes.hd.h"
#include "mvs/disparity.h"

namespace fastcv::FASTCV_ISA {

// The census transform (Zabih & Woodfill 1994) compares a pixel with 48 others: the 5 x 5 around it, and every third one
// out to 6 pixels. Fine texture counts, and so does what a large window sees, for the same 48 bits.
constexpr int kCensusRadius = mvs::kCensusRadius, kCensusBytes = 6, kCensusBits = 8 * kCensusBytes;
struct CensusPattern {
  std::int8_t dx[kCensusBits], dy[kCensusBits];
};
constexpr CensusPattern census_pattern() {
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

// A cost is the number of bits that differ. Partners outside of the other image cost more than any inside, so that no
// path prefers them and their sums tell them apart: five paths give less than 5 * 48 + 5 * kMaxPenalty = 495 inside.
constexpr int kOutsideCost = 127, kNumPaths = 5, kOutsideSum = kNumPaths * kOutsideCost;

// What a path adds to the cost of a pixel at one disparity (eq. 13 there, without the cost). The arguments are the
// path's costs at the pixel before: at the same disparity, one below, one above, and the smallest of all.
template <class V>
FASTCV_HD V path_step(V here, V below, V above, V least, V p1, V p2) {
  return smaller(smaller(here, plus(smaller(below, above), p1)), plus(least, p2)) - least;
}

// The sums of a pixel's best disparity and of its neighbours, and the best one further away; kOutsideSum or more where
// there is none.
struct BestDisparity {
  std::int32_t index, sum, below, above, rival;
};

// 1 - best / rival; 0 without a rival.
FASTCV_HD float confidence_of(const BestDisparity& best) {
  const bool distinct = (best.rival < kOutsideSum) & (best.rival > best.sum);
  const float rival = to_float(distinct ? best.rival : 1);
  return distinct ? (rival - to_float(best.sum)) / rival : 0.0F;
}

// Where the parabola through three sums is lowest, from the one in the middle; 0 where one of them is missing.
FASTCV_HD float vertex_of(const BestDisparity& best) {
  const std::int32_t below = best.below - best.sum, above = best.above - best.sum;
  const bool inside = (best.below < kOutsideSum) & (best.above < kOutsideSum) & (below + above > 0);
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

}  // namespace fastcv::FASTCV_ISA
