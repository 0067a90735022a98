// SPDX-License-Identifier: Apache-2.0
// Disparity of a rectified pair: census transform, semi-global matching along five paths, left-right check.
#pragma once

#include "core/view.h"

namespace fastcv::mvs {

constexpr int kCensusRadius = 6;
constexpr int kMaxPenalty = 51;  // five paths then add up to no more than a byte

// A left pixel x has its partner at x - (min_disparity + index), 0 <= index < num_disparities. Penalties are in census
// bits; max_difference is that of the index seen from left and from right.
struct StereoMatch {
  std::int32_t num_disparities, min_disparity, p1, p2, max_difference;
  float min_confidence;
};

// (height, width), confidence 0 where disparity is NaN.
struct DisparityMap {
  View<float, 2> disparity, confidence;
};

// The luma that the census transform compares, to 16 bits, its outermost columns repeated kCensusRadius times.
// image: (H, W, 1 or 3); out: (H, W + 2 kCensusRadius).
template <class T>
void census_luma(View<const T, 3> image, View<std::uint16_t, 2> out, int num_threads);

// left, right: of census_luma, of one size.
void estimate_disparity(View<const std::uint16_t, 2> left, View<const std::uint16_t, 2> right, const StereoMatch& match,
                        const DisparityMap& out, int num_threads);

}  // namespace fastcv::mvs
