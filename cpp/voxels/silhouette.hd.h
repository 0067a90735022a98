// SPDX-License-Identifier: Apache-2.0
// Does a view see a voxel's centre, and is it foreground there? And the same for all voxels of a box at once.
#pragma once

#include "voxels/carving.h"
#include "voxels/double_lanes.hd.h"
#include "voxels/tiles.hd.h"

namespace fastcv::FASTCV_ISA {

struct Silhouette {
  const double* image_from_voxel;
  double width, height;
  std::int64_t tile_columns;
  const std::int32_t* words;
  const std::int64_t* sums;
};

FASTCV_HD Silhouette silhouette(const voxels::Silhouettes& all, std::int64_t view) {
  const std::int64_t* layout = all.layout + view * voxels::kLayout;
  return {all.image_from_voxel + 12 * view, double(layout[0]),     double(layout[1]),
          tiles_along(layout[0]),           all.words + layout[2], all.sums + layout[3]};
}

// Where in a silhouette's words positions in homogeneous pixels are found. This decides, for every instruction set.
template <class D>
struct Pixel {
  Int32Of<D> word, bit;
};
template <class D>
FASTCV_HD Pixel<D> pixel_at(const Silhouette& s, D xw, D yw, D w) {
  const D inverse = 1 / w, u = xw * inverse, v = yw * inverse;
  const auto inside = (w > 0) & (u >= 0) & (v >= 0) & (u < s.width) & (v < s.height);
  const Int32Of<D> column = truncated_if(inside, u), row = truncated_if(inside, v);
  const Int32Of<D> tile = 1 + (row >> 2) * static_cast<std::int32_t>(s.tile_columns) + (column >> 2);
  return {keep_if(inside, tile), ((row & 3) << 2) + (column & 3)};
}

// Voxels [low, high), z, y, x.
struct Box {
  std::int64_t low[3], high[3];
};

enum class Verdict : std::int32_t { kOutside, kBackground, kForeground, kDivided };

// The rectangle of pixels that a box's voxel centres fall into, and how near w comes to 0.
struct Extent {
  double u_low, u_high, v_low, v_high;
  bool in_front, behind;
};

// A box in front of the camera projects into the hull of its corners. What rounding can add to pixel_at's results and
// to the corners' is bounded by kRounding, which is 18 units in the last place, times the sum of the terms' magnitudes:
// three products, three sums, a division and a product make half a unit each.
FASTCV_HD Extent extent(const Silhouette& s, const Box& box) {
  constexpr double kRounding = 4e-15;
  double xw[8], yw[8], w[8], magnitude[3];
  const double* m = s.image_from_voxel;
  const double far[3] = {double(box.high[2]) - 0.5, double(box.high[1]) - 0.5, double(box.high[0]) - 0.5};
  const double near[3] = {double(box.low[2]) + 0.5, double(box.low[1]) + 0.5, double(box.low[0]) + 0.5};
  const auto size = [](double x) { return x < 0 ? -x : x; };
  for (int r = 0; r < 3; ++r) {
    magnitude[r] = kRounding * (size(m[4 * r]) * far[0] + size(m[4 * r + 1]) * far[1] + size(m[4 * r + 2]) * far[2] +
                                size(m[4 * r + 3]));
    double* out = r == 0 ? xw : r == 1 ? yw : w;
    for (int c = 0; c < 8; ++c) {
      out[c] = m[4 * r] * (c & 1 ? far[0] : near[0]) + m[4 * r + 1] * (c & 2 ? far[1] : near[1]) +
               m[4 * r + 2] * (c & 4 ? far[2] : near[2]) + m[4 * r + 3];
    }
  }
  double w_low = w[0], w_high = w[0];
  for (int c = 1; c < 8; ++c) {
    w_low = w[c] < w_low ? w[c] : w_low;
    w_high = w[c] > w_high ? w[c] : w_high;
  }
  Extent e{};
  e.in_front = w_low > 2 * magnitude[2];
  e.behind = w_high < -2 * magnitude[2];
  if (!e.in_front) return e;
  for (int c = 0; c < 8; ++c) {
    w[c] = 1 / w[c];
    xw[c] *= w[c];
    yw[c] *= w[c];
  }
  e.u_low = e.u_high = xw[0];
  e.v_low = e.v_high = yw[0];
  for (int c = 1; c < 8; ++c) {
    e.u_low = xw[c] < e.u_low ? xw[c] : e.u_low;
    e.u_high = xw[c] > e.u_high ? xw[c] : e.u_high;
    e.v_low = yw[c] < e.v_low ? yw[c] : e.v_low;
    e.v_high = yw[c] > e.v_high ? yw[c] : e.v_high;
  }
  const auto margin = [&](double low, double high, double rounding) {
    const double largest = -low > high ? -low : high;
    return 2 * (rounding + largest * magnitude[2]) / w_low + kRounding * largest;
  };
  const double du = margin(e.u_low, e.u_high, magnitude[0]), dv = margin(e.v_low, e.v_high, magnitude[1]);
  e.u_low -= du;
  e.u_high += du;
  e.v_low -= dv;
  e.v_high += dv;
  return e;
}

// What pixel_at finds for every voxel of the box, unless it may find different things.
FASTCV_HD Verdict verdict(const Silhouette& s, const Box& box) {
  const Extent e = extent(s, box);
  if (e.behind) return Verdict::kOutside;
  if (!e.in_front) return Verdict::kDivided;
  if (e.u_high < 0 || e.v_high < 0 || e.u_low >= s.width || e.v_low >= s.height) return Verdict::kOutside;
  if (!(e.u_low >= 0 && e.v_low >= 0 && e.u_high < s.width && e.v_high < s.height)) return Verdict::kDivided;
  const std::int64_t left = std::int64_t(e.u_low) / voxels::kTile, right = std::int64_t(e.u_high) / voxels::kTile + 1;
  const std::int64_t top = std::int64_t(e.v_low) / voxels::kTile, bottom = std::int64_t(e.v_high) / voxels::kTile + 1;
  const auto tiles = static_cast<std::uint64_t>((right - left) * (bottom - top));
  if (tiles >> kSumField != 0) return Verdict::kDivided;
  const auto sum = [&](std::int64_t row, std::int64_t column) {
    return static_cast<std::uint64_t>(s.sums[row * (s.tile_columns + 1) + column]);
  };
  const std::uint64_t kinds = sum(bottom, right) - sum(bottom, left) - sum(top, right) + sum(top, left);
  if (kinds == tiles) return Verdict::kForeground;
  if (kinds == tiles << kSumField) return Verdict::kBackground;
  return kinds == tiles << (2 * kSumField) ? Verdict::kOutside : Verdict::kDivided;
}

}  // namespace fastcv::FASTCV_ISA
