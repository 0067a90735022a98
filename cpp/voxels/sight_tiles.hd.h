// SPDX-License-Identifier: Apache-2.0
// Blocks of voxels and tiles of pixels: which tiles may see a box of voxels.
#pragma once

#include <cmath>

#include "voxels/photographs.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD std::int64_t blocks_along(std::int64_t voxels) { return (voxels + voxels::kBlock - 1) / voxels::kBlock; }
FASTCV_HD std::int64_t block_of(const std::int64_t* shape, const std::int64_t* voxel) {
  return (voxel[2] / voxels::kBlock * blocks_along(shape[1]) + voxel[1] / voxels::kBlock) * blocks_along(shape[2]) +
         voxel[0] / voxels::kBlock;
}
FASTCV_HD std::int64_t sight_tiles(std::int64_t pixels) {
  return (pixels + voxels::kSightTile - 1) / voxels::kSightTile;
}
FASTCV_HD std::int64_t sight_tile(std::int64_t width, std::int64_t column, std::int64_t row) {
  return row / voxels::kSightTile * sight_tiles(width) + column / voxels::kSightTile;
}

// Tiles of pixels.
struct TileRange {
  std::int64_t first[2], last[2];  // column, row
};

// Tiles that may see a box of voxels around a centre: those that the footprints of its voxels and all rays through it
// meet. False where there are none. With p = center + d, u(p) - u(center) = (m_0 - u(center) m_2) d / w(p).
FASTCV_HD bool tiles_around(const voxels::Photographs& photos, std::int64_t view, const double* center, double half,
                            TileRange& range) {
  const double* m = photos.geometry + view * voxels::kGeometry;
  const std::int64_t* layout = photos.layout + view * voxels::kPhotoLayout;
  const double x = center[0], y = center[1], z = center[2], w = m[8] * x + m[9] * y + m[10] * z + m[11];
  const double reach = half * (std::fabs(m[8]) + std::fabs(m[9]) + std::fabs(m[10])), nearest = w - reach;
  if (w + reach < 0) return false;
  const bool in_front = nearest > 1e-3 * w;  // far enough for rounding not to matter
  for (int i = 0; i < 2; ++i) {
    const double* row = m + 4 * i;
    const double size = double(layout[i]), at = (row[0] * x + row[1] * y + row[2] * z + row[3]) / w;
    double span = 0;
    for (int k = 0; k < 3; ++k) span += std::fabs(row[k] - at * m[8 + k]);
    const double margin = 2 + (half * span + 0.5 * m[24 + i]) / nearest;
    const double from = in_front ? at - margin : 0, to = in_front ? at + margin : size - 1;
    if (!(from < size && to >= 0)) return false;
    range.first[i] = static_cast<std::int64_t>(from < 0 ? 0 : from) / voxels::kSightTile;
    range.last[i] = static_cast<std::int64_t>(to < size ? to : size - 1) / voxels::kSightTile;
  }
  return true;
}

// Calls visit(tile), a number among the tiles of all views, for those that may see a box, until it returns true.
template <class Visit>
FASTCV_HD bool visit_tiles(const voxels::Photographs& photos, const double* center, double half, const Visit& visit) {
  std::int64_t begin = 0;  // of the view's tiles
  for (std::int64_t view = 0; view < photos.count; ++view) {
    const std::int64_t* layout = photos.layout + view * voxels::kPhotoLayout;
    const std::int64_t columns = sight_tiles(layout[0]);
    TileRange range;
    if (tiles_around(photos, view, center, half, range)) {
      for (std::int64_t row = range.first[1]; row <= range.last[1]; ++row) {
        for (std::int64_t column = range.first[0]; column <= range.last[0]; ++column) {
          if (visit(begin + row * columns + column)) return true;
        }
      }
    }
    begin += columns * sight_tiles(layout[1]);
  }
  return false;
}

}  // namespace fastcv::FASTCV_ISA
