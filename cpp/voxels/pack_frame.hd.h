// SPDX-License-Identifier: Apache-2.0
// One tile of a depth map: its pixels, and their range of depths; and the range of a window from four smaller ones.
#pragma once

#include "voxels/depth_frames.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD float infinity() { return __builtin_huge_valf(); }

template <class T>
FASTCV_HD float valid_depth(T depth, float scale, float max_depth) {
  const float d = static_cast<float>(depth) * scale;
  return (d > 0) & (d <= max_depth) & (d < infinity()) ? d : -infinity();  // & makes vectors, && does not
}

FASTCV_HD std::int32_t packed_color(const std::uint8_t* rgb) { return rgb[0] | rgb[1] << 8 | rgb[2] << 16; }

// Tile i of all frames' level 0.
template <class T>
struct PackFrameTile {
  View<const T, 3> from;
  float scale, max_depth;
  voxels::PixelExtras extras;
  voxels::PackedFrames to;
  voxels::DepthWindows windows;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t height = from.shape[1], width = from.shape[2];
    const std::int64_t frame = i / windows.tiles(), tile = i % windows.tiles();
    const std::int64_t row = tile / windows.columns, column = tile % windows.columns;
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
        if (extras.colors) to.colors[line + x] = packed_color(extras.colors + 3 * (line + x));
      }
    }
    float* its = to.ranges + 2 * frame * windows.count();
    its[tile] = low;
    its[windows.count() + tile] = high;
  }
  FASTCV_HD float depth_at(std::int64_t pixel) const {
    const float d = valid_depth(from.data[pixel], scale, max_depth), w = extras.weights ? extras.weights[pixel] : 1;
    return w > 0 && w < infinity() ? d : -infinity();
  }
};

// Window i of all frames' windows of a level above 0, or of the whole image, which comes after them.
struct WidenWindow {
  voxels::DepthWindows windows;
  int level;
  float* ranges;

  FASTCV_HD std::int64_t per_frame() const { return level < windows.levels ? windows.tiles() : 1; }
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t frame = i / per_frame(), window = i % per_frame(), half = std::int64_t(1) << (level - 1);
    const std::int64_t below = window / windows.columns + half < windows.rows ? half * windows.columns : 0;
    const std::int64_t beside = window % windows.columns + half < windows.columns ? half : 0;
    float* lows = ranges + 2 * frame * windows.count() + (level - 1) * windows.tiles() + window;
    float* highs = lows + windows.count();
    float low = lows[0], high = highs[0];
    const std::int64_t parts[3] = {beside, below, below + beside};
    for (const std::int64_t part : parts) {
      low = lows[part] < low ? lows[part] : low;
      high = highs[part] > high ? highs[part] : high;
    }
    lows[windows.tiles()] = low;
    highs[windows.tiles()] = high;
  }
};

}  // namespace fastcv::FASTCV_ISA
