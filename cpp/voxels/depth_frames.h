// SPDX-License-Identifier: Apache-2.0
// Depth maps as fusion wants them: pixels that say nothing are -inf, and a pyramid of tiles knows the range of depths.
#pragma once

#include "core/view.h"

namespace fastcv::voxels {

// Level 0 has tiles of kDepthTile x kDepthTile pixels, each further one tiles of twice the side; the last is one tile.
constexpr int kDepthTileBits = 3, kDepthTile = 1 << kDepthTileBits;
constexpr int kMaxDepthLevels = 24;

struct DepthPyramid {
  int levels;
  std::int64_t start[kMaxDepthLevels], columns[kMaxDepthLevels], num_tiles;
};

inline DepthPyramid depth_pyramid(std::int64_t height, std::int64_t width) {
  DepthPyramid p{};
  for (std::int64_t side = kDepthTile;; side *= 2) {
    const std::int64_t rows = (height + side - 1) / side, columns = (width + side - 1) / side;
    p.start[p.levels] = p.num_tiles;
    p.columns[p.levels] = columns;
    p.num_tiles += rows * columns;
    ++p.levels;
    if (rows <= 1 && columns <= 1) return p;
  }
}

// Views of one size through pinhole cameras.
struct DepthFrames {
  std::int64_t count, height, width;
  const double* image_from_voxel;  // 12 a frame: (u w, v w, w) from (x, y, z, 1) in voxels; w is depth in scene units
  const float* depths;             // (count, height, width) in scene units
  const std::int32_t* colors;      // the same, red in the lowest byte, then green and blue; null for none
  const float* weights;            // the same; null for the same weight everywhere
  const float* ranges;             // (count, pyramid.num_tiles, 2): lowest and highest depth; inf, -inf where none is
  DepthPyramid pyramid;
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
