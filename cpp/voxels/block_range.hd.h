// SPDX-License-Identifier: Apache-2.0
// The slopes and depths that a block takes up in a view.
#pragma once

#include "voxels/raycast.h"

namespace fastcv::FASTCV_ISA {

struct BlockRange {
  float near, far;
  std::int64_t first_row, last_row, first_column, last_column;  // none where last < first
};

// The first and last of `count` cells in which slopes from `low` to `high` fall; NaN counts as anywhere.
FASTCV_HD void cells_of(double low, double high, double first_slope, double per_slope, std::int64_t count,
                        std::int64_t& first, std::int64_t& last) {
  const double begin = (low - first_slope) * per_slope, end = (high - first_slope) * per_slope;
  first = begin > 0 ? (begin < double(count) ? static_cast<std::int64_t>(begin) : count) : 0;
  last = end < double(count) ? (end >= 0 ? static_cast<std::int64_t>(end) : -1) : count - 1;
}

// cam_from_voxel: 3 x 4.
FASTCV_HD BlockRange block_range(const voxels::RayView& view, const double* cam_from_voxel, const std::int32_t* block) {
  // A voxel's value counts up to its neighbours' centres, hence half a voxel more on all sides.
  constexpr double kMargin = 0.5, kSlopeMargin = 1e-6;
  double low[3] = {}, high[3] = {}, slope_low[2] = {}, slope_high[2] = {};
  for (int corner = 0; corner < 8; ++corner) {
    double p[3];
    for (int r = 0; r < 3; ++r) {
      p[r] = cam_from_voxel[4 * r + 3];
      for (int axis = 0; axis < 3; ++axis) {
        const double first = voxels::kBlock * double(block[2 - axis]) - kMargin;
        p[r] += cam_from_voxel[4 * r + axis] * (first + (corner >> axis & 1 ? voxels::kBlock + 2 * kMargin : 0));
      }
      low[r] = corner == 0 || p[r] < low[r] ? p[r] : low[r];
      high[r] = corner == 0 || p[r] > high[r] ? p[r] : high[r];
    }
    for (int r = 0; r < 2; ++r) {
      const double slope = p[r] / p[2];
      slope_low[r] = corner == 0 || slope < slope_low[r] ? slope : slope_low[r];
      slope_high[r] = corner == 0 || slope > slope_high[r] ? slope : slope_high[r];
    }
  }
  BlockRange range{static_cast<float>(low[2] > view.near ? low[2] : view.near),
                   static_cast<float>(high[2] < view.far ? high[2] : view.far),
                   0,
                   -1,
                   0,
                   -1};
  if (!(high[2] > view.near && low[2] < view.far)) return range;
  if (low[2] > 0) {
    cells_of(slope_low[0] - kSlopeMargin, slope_high[0] + kSlopeMargin, view.first_slope[0], view.cells_per_slope[0],
             view.columns, range.first_column, range.last_column);
    cells_of(slope_low[1] - kSlopeMargin, slope_high[1] + kSlopeMargin, view.first_slope[1], view.cells_per_slope[1],
             view.rows, range.first_row, range.last_row);
  } else {
    range.last_row = view.rows - 1;
    range.last_column = view.columns - 1;
  }
  return range;
}

}  // namespace fastcv::FASTCV_ISA
