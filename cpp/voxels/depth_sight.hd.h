// SPDX-License-Identifier: Apache-2.0
// What a frame may say of all voxels of a box at once, so that most boxes are never looked at voxel by voxel.
#pragma once

#include "voxels/tsdf.h"

namespace fastcv::FASTCV_ISA {

// kNothing: no voxel is updated. kFree: none lies within the truncation of a surface. kBand: some may.
enum class Sight : std::int32_t { kNothing, kFree, kBand };

// Rounding that look_at may add: of its double precision, as a share of the sum of all terms, and of its single
// precision, as a share of the largest result; a dozen and thirty units in the last place.
constexpr double kDoubleRounding = 4e-15, kFloatRounding = 2e-6;

// The voxel centres of side^3 blocks from block `low` (z, y, x) on: a middle, and as far along every axis.
struct CenterBox {
  double middle[3], half;  // x, y, z
};
FASTCV_HD CenterBox center_box(const std::int32_t* low, std::int64_t side) {
  const double extent = 0.5 * double(voxels::kBlock * side);
  CenterBox box{{}, extent - 0.5};
  for (int axis = 0; axis < 3; ++axis) box.middle[axis] = voxels::kBlock * double(low[2 - axis]) + extent;
  return box;
}

FASTCV_HD double magnitude(double x) { return x < 0 ? -x : x; }

// The values of a row of a projection over a box, widened by what rounding can do.
struct Spread {
  double middle, reach, rounding;
  FASTCV_HD double low() const { return middle - reach - rounding; }
  FASTCV_HD double high() const { return middle + reach + rounding; }
};
FASTCV_HD Spread spread_over(const CenterBox& box, const double* row) {
  double sum = magnitude(row[3]);
  Spread s{row[3], 0, 0};
  for (int axis = 0; axis < 3; ++axis) {
    const double term = row[axis] * box.middle[axis];
    s.middle += term;
    s.reach += magnitude(row[axis]);
    sum += magnitude(term);
  }
  s.reach *= box.half;
  s.rounding = kDoubleRounding * (sum + s.reach) + kFloatRounding * (magnitude(s.middle) + s.reach);
  return s;
}

// The pixels [low, high] along an axis of the image that voxel centres fall into, clipped to the image; none where
// low > high. With the middle's pixel u = p / q: all of the box have |p' - u q'| <= reach of (p - u q), hence a pixel
// at most that over the lowest q' from the middle's.
struct PixelSpan {
  std::int64_t low, high;
};
FASTCV_HD PixelSpan pixel_span(const CenterBox& box, const double* row, const double* w_row, const Spread& value,
                               const Spread& w, double size) {
  const double u = value.middle / w.middle, inverse = 1 / w.low();
  double reach = 0;
  for (int axis = 0; axis < 3; ++axis) reach += magnitude(row[axis] - u * w_row[axis]);
  // Of the quotient's own rounding as well.
  const double rounding = value.rounding + (magnitude(u) + size) * (2 * w.rounding + kFloatRounding * w.high());
  const double off = (reach * box.half + rounding) * inverse;
  const double low = u - off, high = u + off, last = size - 1;
  if (low >= size || high < 0) return {0, -1};
  return {low > 0 ? static_cast<std::int64_t>(low) : 0,
          high < last ? static_cast<std::int64_t>(high) : std::int64_t(last)};
}

// What depths mean to a box: those below `nothing_below` lie too far in front of all of its voxels to update any, those
// above `free_above` behind them by more than the truncation.
struct DepthLimits {
  double nothing_below, free_above;

  FASTCV_HD Sight judge(float lowest, float highest) const {
    if (!(highest > 0 && highest >= nothing_below)) return Sight::kNothing;
    return lowest > free_above ? Sight::kFree : Sight::kBand;
  }
};
FASTCV_HD DepthLimits depth_limits(const Spread& w, double truncation) {
  const double margin = kFloatRounding * (magnitude(w.high()) + truncation);
  return {w.low() - truncation - margin, w.high() + truncation + margin};
}

// By the depths in a rectangle of pixels, of tiles that are at most eight to a side.
FASTCV_HD Sight sight_within(const voxels::DepthFrames& frames, std::int64_t frame, const PixelSpan& x,
                             const PixelSpan& y, const DepthLimits& limits) {
  constexpr std::int64_t kMostTiles = 8;
  int level = 0, shift = voxels::kDepthTileBits;
  const auto tiles = [&](const PixelSpan& span) { return (span.high >> shift) - (span.low >> shift) + 1; };
  for (; tiles(x) > kMostTiles || tiles(y) > kMostTiles; ++shift) ++level;
  const float* ranges = frames.ranges + 2 * (frame * frames.pyramid.num_tiles + frames.pyramid.start[level]);
  float lowest = __builtin_huge_valf(), highest = -lowest;
  for (std::int64_t row = y.low >> shift; row <= y.high >> shift; ++row) {
    for (std::int64_t column = x.low >> shift; column <= x.high >> shift; ++column) {
      const float* range = ranges + 2 * (row * frames.pyramid.columns[level] + column);
      lowest = range[0] < lowest ? range[0] : lowest;
      highest = range[1] > highest ? range[1] : highest;
    }
    if (limits.judge(lowest, highest) == Sight::kBand) return Sight::kBand;  // whatever the other rows hold
  }
  return limits.judge(lowest, highest);
}

// Whether the box lies wholly left of an axis' range of pixels, or right of it, whatever the sign of w: u w < 0, or
// u w - size w > 0.
FASTCV_HD bool beside(const CenterBox& box, const double* row, const double* w_row, const Spread& w, double size) {
  const Spread value = spread_over(box, row);
  double beyond[4];
  for (int k = 0; k < 4; ++k) beyond[k] = row[k] - size * w_row[k];
  const double rounding = value.rounding + size * (w.rounding + kFloatRounding * w.high());
  return value.high() < 0 || spread_over(box, beyond).low() > rounding;
}

FASTCV_HD Sight sight(const voxels::Fusion& fusion, std::int64_t frame, const std::int32_t* low, std::int64_t side) {
  const voxels::DepthFrames& frames = fusion.frames;
  const double* m = frames.image_from_voxel + 12 * frame;
  const double width = double(frames.width), height = double(frames.height);
  const CenterBox box = center_box(low, side);
  const Spread w = spread_over(box, m + 8);
  if (w.high() <= 0) return Sight::kNothing;
  const float* all = frames.ranges + 2 * (frame * frames.pyramid.num_tiles + frames.pyramid.num_tiles - 1);
  const DepthLimits limits = depth_limits(w, fusion.truncation);
  const Sight at_all = limits.judge(all[0], all[1]);
  if (at_all == Sight::kNothing) return at_all;
  if (w.low() < 0.5 * w.middle) {  // so near that the pixels of the middle tell little
    if (beside(box, m, m + 8, w, width) || beside(box, m + 4, m + 8, w, height)) return Sight::kNothing;
    if (!(w.low() > 0)) return at_all;
  }
  const PixelSpan x = pixel_span(box, m, m + 8, spread_over(box, m), w, width);
  const PixelSpan y = pixel_span(box, m + 4, m + 8, spread_over(box, m + 4), w, height);
  if (x.low > x.high || y.low > y.high) return Sight::kNothing;
  return sight_within(frames, frame, x, y, limits);
}

// Half spaces (a, b, c, d), a x + b y + c z + d >= 0, that hold the middles of all blocks which a frame may update.
// They keep more than `sight` does, and ask less.
struct ViewPlanes {
  static constexpr int kCount = 6;
  double planes[kCount][4];

  FASTCV_HD ViewPlanes(const voxels::Fusion& fusion, std::int64_t frame) {
    const voxels::DepthFrames& frames = fusion.frames;
    const double* m = frames.image_from_voxel + 12 * frame;
    const double deepest = frames.ranges[2 * (frame * frames.pyramid.num_tiles + frames.pyramid.num_tiles - 1) + 1];
    const double size[2] = {double(frames.width), double(frames.height)};
    for (int k = 0; k < 4; ++k) {
      planes[0][k] = m[8 + k];
      planes[1][k] = -m[8 + k];
      for (int r = 0; r < 2; ++r) {  // the image with a pixel more on each side, which is more than rounding
        planes[2 + r][k] = m[4 * r + k] + m[8 + k];
        planes[4 + r][k] = (size[r] + 1) * m[8 + k] - m[4 * r + k];
      }
    }
    planes[1][3] += (deepest + fusion.truncation) * (1 + kFloatRounding);
    for (auto& p : planes) {
      const double reach = magnitude(p[0]) + magnitude(p[1]) + magnitude(p[2]);
      p[3] += 0.5 * voxels::kBlock * reach + kDoubleRounding * magnitude(p[3]);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
