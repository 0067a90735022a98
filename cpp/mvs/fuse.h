// SPDX-License-Identifier: Apache-2.0
// Depth maps to points: pixels of several views that show the same surface become one point.
#pragma once

#include "mvs/consistency.h"

namespace fastcv::mvs {

struct FuseView {
  View<const float, 2> depth;
  View<const std::uint8_t, 3> color;  // (height, width, 3)
  View<std::uint8_t, 2> used;         // set for pixels that belong to a point
  double world_from_pixel[12];        // A, then the centre c: X = depth A (x, y, 1) + c
};
struct FuseViews {
  FuseView reference, neighbors[kMaxNeighbors];
};

struct PointBuffers {
  View<float, 2> xyz, normals;  // (capacity, 3), world frame
  View<std::uint8_t, 2> rgb;    // (capacity, 3)
};

// (height, width, 3) unit normals in the camera frame, towards the camera; 0 where there is no depth.
void depth_normals(View<const float, 2> depth, const double* K, View<float, 3> out, int num_threads);

// Makes a point of every unused reference pixel that rule.min_consistent unused pixels of neighbours agree with, in row
// order, and marks them all as used. Returns how many; the buffers hold as many as the reference has pixels left.
// world_from_cam: 3 x 3 rotation for the reference's normals (height, width, 3).
std::int64_t fuse_view(const FuseViews& views, const Neighbors& neighbors, const Consistency& rule,
                       View<const float, 3> normals, const double* world_from_cam, const PointBuffers& out);

}  // namespace fastcv::mvs
