// SPDX-License-Identifier: Apache-2.0
// Where voxels' centres fall in a view's tiles of pixels, and what rectangle the centres of a box fall into.
#pragma once

#include "voxels/carving.h"
#include "voxels/double_lanes.hd.h"
#include "voxels/tiles.hd.h"

namespace fastcv::FASTCV_ISA {

// A view's projection of the grid, and its size in pixels and tiles.
struct Frame {
  const double* image_from_voxel;
  double width, height;
  std::int64_t tile_columns;
};

FASTCV_HD Frame frame(const double* image_from_voxel, const std::int64_t* layout, std::int64_t view) {
  const std::int64_t* its = layout + view * voxels::kLayout;
  return {image_from_voxel + 12 * view, double(its[0]), double(its[1]), tiles_along(its[0])};
}

// What a view says of a voxel's centre: it does not see it, as it lies behind the camera or beside the image; it sees
// it and shows background or foreground; or it sees it and knows nothing. Of a box it may say any of a set of these.
constexpr std::uint32_t kUnseen = 1, kBackground = 2, kForeground = 4, kUnknown = 8;

// The same of lanes of voxels, 0 or 1 each: whether the view counts among those that see one, and against it.
template <class Int>
struct Saying {
  Int sees, violates;
};

// Homogeneous pixels.
template <class D>
struct Position {
  D xw, yw, w;
};
// Of voxels in lanes i and up, kColumns along x, the rest along y, from the one at (x, y, z) on.
template <class D, int kColumns>
FASTCV_HD Position<D> position(const Frame& f, double x, double y, double z, int i) {
  const double* m = f.image_from_voxel;
  const double xw = m[2] * z + m[3], yw = m[6] * z + m[7], w = m[10] * z + m[11];
  const D px = x + lane_columns(D(), i, kColumns), py = y + lane_rows(D(), i, kColumns);
  return {m[0] * px + (m[1] * py + xw), m[4] * px + (m[5] * py + yw), m[8] * px + (m[9] * py + w)};
}

// The pixel that a position falls into; 0, 0 where it falls beside the image. This decides, for every instruction set.
template <class D>
struct Pixel {
  MaskOf<D> inside;
  Int32Of<D> column, row;
};
template <class D>
FASTCV_HD Pixel<D> pixel_at(const Frame& f, const Position<D>& p) {
  const D inverse = 1 / p.w, u = p.xw * inverse, v = p.yw * inverse;
  const auto inside = (p.w > 0) & (u >= 0) & (v >= 0) & (u < f.width) & (v < f.height);
  return {MaskOf<D>(inside), truncated_if(inside, u), truncated_if(inside, v)};
}

// Voxels [low, high), z, y, x.
struct Box {
  std::int64_t low[3], high[3];
};

// The rectangle of pixels that a box's voxel centres fall into, and the range of their w: depth.
struct Extent {
  double u_low, u_high, v_low, v_high, w_low, w_high;
  bool in_front, behind;

  FASTCV_HD bool beside(const Frame& f) const {
    return u_high < 0 || v_high < 0 || u_low >= f.width || v_low >= f.height;
  }
  FASTCV_HD bool within(const Frame& f) const {
    return u_low >= 0 && v_low >= 0 && u_high < f.width && v_high < f.height;
  }
};

// A box in front of the camera projects into the hull of its corners. What rounding can add to pixel_at's results and
// to the corners' is bounded by kRounding, which is 18 units in the last place, times the sum of the terms' magnitudes:
// three products, three sums, a division and a product make half a unit each.
FASTCV_HD Extent extent(const Frame& f, const Box& box) {
  constexpr double kRounding = 4e-15;
  double xw[8], yw[8], w[8], magnitude[3];
  const double* m = f.image_from_voxel;
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
  e.w_low = w_low - 2 * magnitude[2];
  e.w_high = w_high + 2 * magnitude[2];
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

}  // namespace fastcv::FASTCV_ISA
