// SPDX-License-Identifier: Apache-2.0
// Depth maps as carving wants them: with the ranges of depth in squares of tiles.
#pragma once

#include "voxels/carving.h"

namespace fastcv::voxels {

// A depth map's pixels lie row by row where the caller has them: a depth where positive, a pixel that is none of the
// image where negative, no depth for anything else. Its ranges are the least and the greatest depth in squares of 1, 2,
// 4 ... tiles a side, each size row by row, up to one square; 0 stands for no depth there and -1 for no pixel.
struct DepthMaps {
  std::int64_t count;
  const double* image_from_voxel;  // as of Silhouettes; w is depth
  const std::int64_t* layout;      // kLayout a view: width, height, address of the pixels, where in ranges its begin
  const float* ranges;
  double margin;  // a view looks through what lies farther in front of its depth than this
};

using DepthCarving = CarvingBy<DepthMaps>;

// maps: (height, width). layout, ranges: as in DepthMaps; the addresses are written here.
void pack_depths(const View<const float, 2>* maps, Rows<std::int64_t, kLayout> layout, float* ranges, int num_threads);

}  // namespace fastcv::voxels
