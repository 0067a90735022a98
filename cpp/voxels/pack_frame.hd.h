// SPDX-License-Identifier: Apache-2.0
// One tile of a depth map: its pixels, and their range of depths; and a tile of a coarser level from four finer ones.
#pragma once

#include "voxels/depth_frames.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD float infinity() { return __builtin_huge_valf(); }

template <class T>
FASTCV_HD float valid_depth(T depth, float scale, float max_depth) {
  const float d = static_cast<float>(depth) * scale;
  return (d > 0) & (d <= max_depth) & (d < infinity()) ? d : -infinity();  // & makes vectors, && does not
}

// Tile i of all frames' level 0.
template <class T>
struct PackFrameTile {
  View<const T, 3> from;
  float scale, max_depth;
  voxels::PixelExtras extras;
  voxels::PackedFrames to;
  voxels::DepthPyramid pyramid;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t height = from.shape[1], width = from.shape[2], columns = pyramid.columns[0];
    const std::int64_t rows = (height + voxels::kDepthTile - 1) >> voxels::kDepthTileBits;
    const std::int64_t frame = i / (rows * columns), row = i / columns % rows, column = i % columns;
    const std::int64_t top = row * voxels::kDepthTile, left = column * voxels::kDepthTile;
    const std::int64_t bottom = top + voxels::kDepthTile < height ? top + voxels::kDepthTile : height;
    const std::int64_t right = left + voxels::kDepthTile < width ? left + voxels::kDepthTile : width;
    float low = infinity(), high = -infinity();
    for (std::int64_t y = top; y < bottom; ++y) {
      const std::int64_t line = (frame * height + y) * width;
      for (std::int64_t x = left; x < right; ++x) {
        const float d = depth_at(line + x);
        to.depths[line + x] = d;
        low = d > 0 && d < low ? d : low;
        high = d > high ? d : high;
        if (extras.colors) to.colors[line + x] = color_at(line + x);
      }
    }
    float* range = to.ranges + 2 * (frame * pyramid.num_tiles + row * columns + column);
    range[0] = low;
    range[1] = high;
  }
  FASTCV_HD float depth_at(std::int64_t pixel) const {
    const float d = valid_depth(from.data[pixel], scale, max_depth), w = extras.weights ? extras.weights[pixel] : 1;
    return w > 0 && w < infinity() ? d : -infinity();
  }
  FASTCV_HD std::int32_t color_at(std::int64_t pixel) const {
    const std::uint8_t* rgb = extras.colors + 3 * pixel;
    return rgb[0] | rgb[1] << 8 | rgb[2] << 16;
  }
};

// Tile i of all frames' tiles of a level above 0.
struct MergeFrameTiles {
  voxels::DepthPyramid pyramid;
  int level;
  float* ranges;

  FASTCV_HD std::int64_t tiles(int l) const {
    return (l + 1 < pyramid.levels ? pyramid.start[l + 1] : pyramid.num_tiles) - pyramid.start[l];
  }
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t columns = pyramid.columns[level], frame = i / tiles(level), tile = i % tiles(level);
    const std::int64_t row = tile / columns, column = tile % columns;
    float* its = ranges + 2 * frame * pyramid.num_tiles;
    const std::int64_t finer_columns = pyramid.columns[level - 1], finer_rows = tiles(level - 1) / finer_columns;
    float low = infinity(), high = -infinity();
    for (std::int64_t y = 2 * row; y < 2 * row + 2 && y < finer_rows; ++y) {
      for (std::int64_t x = 2 * column; x < 2 * column + 2 && x < finer_columns; ++x) {
        const float* range = its + 2 * (pyramid.start[level - 1] + y * finer_columns + x);
        low = range[0] < low ? range[0] : low;
        high = range[1] > high ? range[1] : high;
      }
    }
    float* range = its + 2 * (pyramid.start[level] + tile);
    range[0] = low;
    range[1] = high;
  }
};

}  // namespace fastcv::FASTCV_ISA
