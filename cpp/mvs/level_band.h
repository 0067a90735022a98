// SPDX-License-Identifier: Apache-2.0
// The rows of a sweep whose costs are held while paths pass, as levels, pixel by pixel.
#pragma once

#include "mvs/smoothing.h"

namespace fastcv::mvs {

struct LevelBand {
  Smoothing smoothing;
  std::int64_t height, width, num_surfaces, padded;  // padded: to whole vectors of every instruction set
  std::int64_t first_row, num_rows, num_slots;
  std::uint8_t *levels, *sums;  // (rows, width, padded): 255 beyond the last surface; what the paths from above add

  std::int64_t at(std::int64_t y, std::int64_t x) const { return ((y - first_row) * width + x) * padded; }
};

// Where the smoothed costs go: to a volume, or where there is none, the winner of a sweep to a map.
struct SmoothSink {
  const Sweep* sweep;
  DepthMap map;
  View<float, 3> costs;
};

}  // namespace fastcv::mvs
