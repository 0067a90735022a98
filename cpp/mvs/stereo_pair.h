// SPDX-License-Identifier: Apache-2.0
// The arguments of estimate_disparity as its leaf takes them.
#pragma once

#include "mvs/disparity.h"

namespace fastcv::mvs {

// Paths that come down diagonally keep their costs in slots along the diagonal, `num_slots` of them, used in turns: as
// many as columns and one more for every row that may be at work.
struct StereoPair {
  View<const std::uint16_t, 2> left, right;
  StereoMatch match;
  DisparityMap out;
  std::int64_t num_slots;

  std::int64_t width() const { return out.disparity.shape[1]; }
  std::int64_t height() const { return out.disparity.shape[0]; }
};

}  // namespace fastcv::mvs
