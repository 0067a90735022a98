// SPDX-License-Identifier: Apache-2.0
// What carving works on: silhouettes packed into tiles, projections of a grid of voxels, and the rule that decides.
#pragma once

#include "core/view.h"

namespace fastcv::voxels {

constexpr int kBlock = 8;               // voxels along the side of a block
constexpr int kRows = kBlock * kBlock;  // of a block: 8 voxels along x, a byte
constexpr int kTile = 4;                // pixels along the side of a tile

// Of a block.
constexpr std::uint8_t kEmpty = 0, kFull = 1, kMixed = 2;

// A silhouette is a word per tile of kTile x kTile pixels, row by row, after one word 0 that stands for whatever lies
// outside. Bit 4 * row + column is set where a pixel shows the object, and 16 further up where the pixel is one of the
// image. Its sums, (tile rows + 1, tile columns + 1), count tiles of one kind above and to the left, a field of 21 bits
// for each kind: tiles all of foreground, all of background, and outside of the image.
struct Silhouettes {
  std::int64_t count;
  const double* image_from_voxel;  // 12 a view: (x w, y w, w) from (x, y, z, 1) in voxels; w > 0 in front
  const std::int64_t* layout;      // kLayout a view
  const std::int32_t* words;
  const std::int64_t* sums;
};
constexpr int kLayout = 4;  // width and height in pixels; where in words and sums the view's begin

// A voxel stays if its centre is seen by min_views and no more than max_violations of them contradict it. A view that
// does not see it counts as a violation where outside_violates is 1. Views may be silhouettes or depth maps.
template <class Views>
struct CarvingBy {
  Views views;
  std::int64_t shape[3];  // z, y, x
  std::int32_t min_views, max_violations, outside_violates;

  FASTCV_HD std::int64_t blocks_along(int axis) const { return (shape[axis] + kBlock - 1) / kBlock; }
};
using Carving = CarvingBy<Silhouettes>;

}  // namespace fastcv::voxels
