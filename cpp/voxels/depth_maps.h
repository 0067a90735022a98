// SPDX-License-Identifier: Apache-2.0
// Depth maps as carving wants them: in tiles, with the ranges of depth in squares of them.
#pragma once

#include "voxels/carving.h"

namespace fastcv::voxels {

constexpr int kTilePixels = kTile * kTile;

// A depth map's pixels are kept in tiles of kTile x kTile, row by row, after one tile whose first pixel stands for
// whatever lies outside: a depth; 0 where none is known; -1 where the pixel is none of the image. Its ranges are the
// least and the greatest number in squares of 1, 2, 4 ... tiles a side, each size row by row, up to one square.
struct DepthMaps {
  std::int64_t count;
  const double* image_from_voxel;  // as of Silhouettes; w is depth
  const std::int64_t* layout;      // kLayout a view
  const float* depths;
  const float* ranges;
  double margin;  // a view looks through what lies farther in front of its depth than this
};

using DepthCarving = CarvingBy<DepthMaps>;

// maps: (height, width), anything but a positive number is no depth, a negative one no pixel. layout, depths, ranges:
// as in DepthMaps.
void pack_depths(const View<const float, 2>* maps, Rows<const std::int64_t, kLayout> layout, float* depths,
                 float* ranges, int num_threads);

}  // namespace fastcv::voxels
