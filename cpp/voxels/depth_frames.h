// SPDX-License-Identifier: Apache-2.0
// Depth maps as fusion wants them: pixels that say nothing are -inf, and windows of tiles know their ranges of depths.
#pragma once

#include "core/view.h"

namespace fastcv::voxels {

constexpr int kDepthTileBits = 3, kDepthTile = 1 << kDepthTileBits;  // pixels along the side of a tile

// Ranges of depths in squares of 2^level x 2^level tiles that start at each tile, cut at the image's borders, so that
// four of them cover any rectangle whose longer side is at least 2^level: the sparse table of Bender & Farach-Colton
// 2000, "The LCA problem revisited", in two dimensions. Behind all levels comes the range of the whole image.
struct DepthWindows {
  int levels = 0;
  std::int64_t rows, columns;  // of tiles

  DepthWindows(std::int64_t height, std::int64_t width)
      : rows((height + kDepthTile - 1) >> kDepthTileBits), columns((width + kDepthTile - 1) >> kDepthTileBits) {
    while (std::int64_t(1) << levels <= (rows > columns ? rows : columns)) ++levels;
  }
  FASTCV_HD std::int64_t tiles() const { return rows * columns; }
  FASTCV_HD std::int64_t whole() const { return levels * tiles(); }
  FASTCV_HD std::int64_t count() const { return whole() + 1; }
};

// Views of one size through pinhole cameras.
struct DepthFrames {
  std::int64_t count, height, width;
  const double* image_from_voxel;  // 12 a frame: (u w, v w, w) from (x, y, z, 1) in voxels; w is depth in scene units
  const float* depths;             // (count, height, width) in scene units
  const std::int32_t* colors;      // the same, red in the lowest byte, then green and blue; null for none
  const float* weights;            // the same; null for the same weight everywhere
  const float* ranges;             // (count, 2, windows.count()): lowest and highest depths; inf, -inf where none is
  DepthWindows windows;
};

// What a pixel brings along besides its depth; null where there is none.
struct PixelExtras {
  const std::uint8_t* colors;  // (count, height, width, 3) RGB
  const float* weights;        // (count, height, width)
};

struct PackedFrames {
  float* depths;
  std::int32_t* colors;  // null where there are none
  float* ranges;
};

// A depth, times `scale`, counts if it is in (0, max_depth] and finite, and its pixel's weight is positive and finite.
template <class T>  // float or std::uint16_t
void pack_frames(View<const T, 3> depths, float scale, float max_depth, const PixelExtras& extras,
                 const PackedFrames& out, int num_threads);

}  // namespace fastcv::voxels
