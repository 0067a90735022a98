// SPDX-License-Identifier: Apache-2.0
// Points as columns, which is how the leaves of the hash grid read them, and where they leave what they compute.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::nerf {

// Points whose features lie together, a multiple of the lanes of any vector.
inline constexpr int kGridTile = 64;

// Features of points, tile after tile: in a tile, two and two of a level (or its single one) of all its points lie
// together, which is how levels write and read them one after the other.
template <class P>
struct GridTiles {
  P* values;
  std::int64_t width;   // features of a point
  int first_level = 0;  // whose features come first

  // Where features 2 k and 2 k + 1 (or the single one) of a level with `features` lie, of points from i on.
  FASTCV_HD P* at(std::int64_t i, int level, int features, int k) const {
    const std::int64_t in_tile = i % kGridTile, unit = features == 1 ? 1 : 2;
    return values + (i - in_tile) * width + kGridTile * (std::int64_t(level - first_level) * features + 2 * k) +
           unit * in_tile;
  }
};

// Points as columns: column d begins at d * stride, a multiple of kGridTile and at least count.
template <class P>
struct GridBlock {
  const P *points, *tangents;  // the second may be null
  std::int64_t stride, count;
};

}  // namespace fastcv::nerf
