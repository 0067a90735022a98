// SPDX-License-Identifier: Apache-2.0
// What a frame may say of all voxels of a box at once, so that most boxes are never looked at voxel by voxel.
#pragma once

#include "core/lane_access.hd.h"
#include "voxels/tsdf.h"

namespace fastcv::FASTCV_ISA {

// Rounding that look_at may add: of its double precision, as a share of the sum of all terms, and of its single
// precision, as a share of the largest result; a dozen and thirty units in the last place.
constexpr double kDoubleRounding = 4e-15;
constexpr float kFloatRounding = 2e-6F;

FASTCV_HD double magnitude(double x) { return x < 0 ? -x : x; }

// A frame, and how its rows (u w, v w, w) vary over boxes of voxels of one size, x, y, z.
struct BoxView {
  float spread[3][3];  // of a row along an axis: from the middle of a box to its outermost centres of voxels
  float reach[3];      // the sum of their sizes: how much a row differs from the middle's
  float beyond[2];     // the same of u w - width w and of v w - height w
  float rounding[3];
  float size[2], truncation;
  const float *lowest, *highest;  // depths in windows
  std::int32_t columns, tiles;    // of windows
};

// Boxes that reach `half` voxels from their middles, and whose middles lie within +-`farthest`.
FASTCV_HD BoxView box_view(const voxels::Fusion& fusion, std::int64_t frame, const double* half,
                           const double* farthest) {
  const voxels::DepthFrames& frames = fusion.frames;
  const double* m = frames.image_from_voxel + 12 * frame;
  BoxView view;
  for (int r = 0; r < 3; ++r) {
    double reach = 0, sum = magnitude(m[4 * r + 3]);
    for (int axis = 0; axis < 3; ++axis) {
      view.spread[r][axis] = static_cast<float>(m[4 * r + axis] * half[axis]);
      reach += magnitude(m[4 * r + axis] * half[axis]);
      sum += magnitude(m[4 * r + axis] * farthest[axis]);
    }
    view.reach[r] = static_cast<float>(reach);
    view.rounding[r] = static_cast<float>(kDoubleRounding * (sum + reach) + double(kFloatRounding) * reach);
  }
  const double size[2] = {double(frames.width), double(frames.height)};
  for (int r = 0; r < 2; ++r) {
    double reach = 0;
    for (int axis = 0; axis < 3; ++axis) reach += magnitude((m[4 * r + axis] - size[r] * m[8 + axis]) * half[axis]);
    view.beyond[r] = static_cast<float>(reach);
    view.size[r] = static_cast<float>(size[r]);
  }
  view.truncation = fusion.truncation;
  view.lowest = frames.ranges + 2 * frame * frames.windows.count();
  view.highest = view.lowest + frames.windows.count();
  view.columns = static_cast<std::int32_t>(frames.windows.columns);
  view.tiles = static_cast<std::int32_t>(frames.windows.tiles());
  return view;
}

template <class F>
FASTCV_HD F magnitude_of(F x) {
  return larger(x, -x);
}

// Of boxes: whether some voxel may be updated, and whether some may lie within the truncation of a surface.
template <class F>
struct Sights {
  MaskOf<F> updated, near;
};

// Tiles along an axis of the image that the voxel centres of a box fall into.
template <class F>
struct TileSpan {
  IntOf<F> first, last;
};
// With the middle's pixel u = p / w, all of the box have |p' - u w'| <= the reach of p - u w, hence a pixel at most
// that over the lowest w' from the middle's. Comparisons are such that NaN ends at the image's borders.
template <class F>
FASTCV_HD TileSpan<F> tile_span(const BoxView& view, int axis, F value, F w, F nearest, F rounding, F w_rounding) {
  const F zero{}, end = zero + (view.size[axis] - 1), u = value / w;
  F reach{};
  for (int a = 0; a < 3; ++a) reach += magnitude_of<F>(view.spread[axis][a] - u * view.spread[2][a]);
  const F of_quotient = (magnitude_of(u) + view.size[axis]) * (2 * w_rounding + kFloatRounding * (w + view.reach[2]));
  const F off = (reach + rounding + of_quotient) / nearest;
  const auto blind = nearest < 0.5F * w;  // so near that the pixel of the middle tells little
  const F low = select(blind, zero, u - off), high = select(blind, end, u + off);
  return {to_int(smaller(larger(low, zero), end)) >> voxels::kDepthTileBits,
          to_int(larger(smaller(high, end), zero)) >> voxels::kDepthTileBits};
}

// Range of the depths in a rectangle of tiles: of four windows, at most as wide as its longer side is.
template <class F>
struct DepthRange {
  F low, high;
};
template <class F>
FASTCV_HD DepthRange<F> range_within(const BoxView& view, const TileSpan<F>& x, const TileSpan<F>& y) {
  const auto longer_side = bits_of(to_float(larger(x.last - x.first, y.last - y.first) + 1));
  const IntOf<F> level = (longer_side >> 23) - 127, side = to_int(from_bits(longer_side & 0x7f800000));
  const IntOf<F> right = larger(x.first, x.last - side + 1), bottom = larger(y.first, y.last - side + 1);
  const IntOf<F> above = level * view.tiles + y.first * view.columns,
                 below = level * view.tiles + bottom * view.columns;
  const IntOf<F> windows[4] = {above + x.first, above + right, below + x.first, below + right};
  DepthRange<F> range{gather(view.lowest, windows[0]), gather(view.highest, windows[0])};
  for (int k = 1; k < 4; ++k) {
    range.low = smaller(range.low, gather(view.lowest, windows[k]));
    range.high = larger(range.high, gather(view.highest, windows[k]));
  }
  return range;
}

// By the rows at the boxes' middles. What is said to be `updated` or `near` may turn out not to be.
template <class F>
FASTCV_HD Sights<F> look_at_boxes(const BoxView& view, F u_w, F v_w, F w) {
  const F value[2] = {u_w, v_w};
  const F w_rounding = view.rounding[2] + kFloatRounding * magnitude_of(w);
  const F nearest = w - view.reach[2] - w_rounding, deepest = w + view.reach[2] + w_rounding;
  // Beside the image: u w < 0, or u w - width w > 0, whatever the sign of w.
  auto nothing = MaskOf<F>(deepest <= 0);
  F rounding[2];
  for (int axis = 0; axis < 2; ++axis) {
    rounding[axis] = view.rounding[axis] + kFloatRounding * magnitude_of(value[axis]);
    const F over = value[axis] - view.size[axis] * w - view.beyond[axis];
    nothing = nothing | (value[axis] + view.reach[axis] + rounding[axis] < 0) |
              (over > rounding[axis] + view.size[axis] * w_rounding);
  }
  if (!any(MaskOf<F>(!nothing))) return {MaskOf<F>{}, MaskOf<F>{}};
  const TileSpan<F> x = tile_span(view, 0, u_w, w, nearest, rounding[0], w_rounding);
  const TileSpan<F> y = tile_span(view, 1, v_w, w, nearest, rounding[1], w_rounding);
  const DepthRange<F> depths = range_within<F>(view, x, y);
  const F margin = view.truncation + kFloatRounding * (magnitude_of(deepest) + view.truncation);
  nothing = nothing | (depths.high <= 0) | (depths.high < nearest - margin);
  const auto in_front = depths.low > deepest + margin;
  return {MaskOf<F>(!nothing), MaskOf<F>(!(nothing | in_front))};
}

// The rows of a frame at a point in voxels.
FASTCV_HD float row_at(const double* row, double x, double y, double z) {
  return static_cast<float>(row[0] * x + row[1] * y + row[2] * z + row[3]);
}

// Of a cube of side^3 blocks from block `low` (z, y, x) on.
FASTCV_HD Sights<float> look_at_cube(const voxels::Fusion& fusion, std::int64_t frame, const std::int32_t* low,
                                     std::int64_t side) {
  const double extent = 0.5 * double(voxels::kBlock * side);
  double middle[3], half[3], farthest[3];
  for (int axis = 0; axis < 3; ++axis) {
    middle[axis] = voxels::kBlock * double(low[2 - axis]) + extent;
    farthest[axis] = magnitude(middle[axis]);
    half[axis] = extent - 0.5;
  }
  const double* m = fusion.frames.image_from_voxel + 12 * frame;
  const auto row = [&](int r) { return row_at(m + 4 * r, middle[0], middle[1], middle[2]); };
  return look_at_boxes<float>(box_view(fusion, frame, half, farthest), row(0), row(1), row(2));
}

}  // namespace fastcv::FASTCV_ISA
