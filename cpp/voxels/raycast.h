// SPDX-License-Identifier: Apache-2.0
// Looks at the surface that truncated signed distances enclose: depth, normals and colours of a view.
#pragma once

#include "voxels/tsdf.h"

namespace fastcv::voxels {

struct Surface {
  BlockTable table;
  const float *values, *weights, *colors;  // as BlockVoxels; colors may be null
  float min_weight;                        // of a voxel that counts, positive
};

// Rays by their slopes x / z and y / z in the camera frame; depths and places along them are z. The depths at
// which there is something to see are known for cells of slopes.
struct RayView {
  double voxel_from_cam[12];  // (x, y, z) in voxels from the camera frame
  double voxel_size;
  View<const float, 3> slopes;  // (height, width, 2); NaN where there is no ray
  double near, far;
  double first_slope[2], cells_per_slope[2];
  std::int64_t rows, columns;
  const float* ranges;            // (rows, columns, 2): near and far, inf and 0 where there is nothing
  const std::uint32_t* occupied;  // (rows, columns): a bit for each part of that range, whether blocks lie in it
};

struct RenderBuffers {
  float* depth;          // (height, width), 0 where nothing is seen
  float* normals;        // (height, width, 3) in the camera frame, 0 where nothing is seen
  std::uint8_t* colors;  // (height, width, 3), 0 where nothing is seen; null for none
};

// Fills view.ranges and view.occupied. cam_from_voxel: 3 x 4, the inverse of view.voxel_from_cam.
void find_depths(const RayView& view, const double* cam_from_voxel, Rows<const std::int32_t, 3> blocks, float* ranges,
                 std::uint32_t* occupied);

void raycast(const Surface& surface, const RayView& view, const RenderBuffers& out, int num_threads);

}  // namespace fastcv::voxels
