// SPDX-License-Identifier: Apache-2.0
// Depth maps that judge each other: plain data for the filter and the fusion.
#pragma once

#include "core/view.h"

namespace fastcv::mvs {

constexpr int kMaxNeighbors = 64;

// Another view's depth map, and the transfer of pixels between it and the reference: 3 x 3 matrix A, then b, with
// depth' (u, v, 1) = depth A (x, y, 1) + b. Pixels count from the image's corner.
struct Neighbor {
  View<const float, 2> depth;
  double from_reference[12], to_reference[12];
};
struct Neighbors {
  std::int32_t count;
  Neighbor views[kMaxNeighbors];
};

struct Consistency {
  std::int32_t min_consistent;
  double max_reprojection_px;
  double max_relative_depth;
};

}  // namespace fastcv::mvs
