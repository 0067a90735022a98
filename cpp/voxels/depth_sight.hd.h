// SPDX-License-Identifier: Apache-2.0
// What a frame may say of all voxels of a box at once, so that most boxes are never looked at voxel by voxel.
#pragma once

#include "voxels/tsdf.h"

namespace fastcv::FASTCV_ISA {

// kNothing: no voxel is updated. kFree: none lies within the truncation of a surface. kBand: some may.
enum class Sight : std::int32_t { kNothing, kFree, kBand };

// Widened by `margin` on both sides.
struct Interval {
  double low, high, margin;
};

// Rounding that look_at may add: of its double precision, as a share of the sum of all terms, and of its single
// precision, as a share of the largest result; a dozen and thirty units in the last place.
constexpr double kDoubleRounding = 4e-15, kFloatRounding = 2e-6;

// The voxel centres of side^3 blocks from block `low` (z, y, x) on.
struct CenterBox {
  double first[3], extent[3];  // x, y, z
};
FASTCV_HD CenterBox center_box(const std::int32_t* low, std::int64_t side) {
  CenterBox box{};
  for (int axis = 0; axis < 3; ++axis) {
    box.first[axis] = voxels::kBlock * double(low[2 - axis]) + 0.5;
    box.extent[axis] = double(voxels::kBlock * side) - 1;
  }
  return box;
}

// The values of a row of a projection over a box, widened by what rounding can do.
FASTCV_HD Interval values_over(const CenterBox& box, const double* row) {
  Interval value{row[3], row[3], 0};
  const auto size = [](double x) { return x < 0 ? -x : x; };
  double sum = size(row[3]);
  for (int axis = 0; axis < 3; ++axis) {
    const double at_first = row[axis] * box.first[axis], more = row[axis] * box.extent[axis];
    value.low += at_first + (more < 0 ? more : 0);
    value.high += at_first + (more > 0 ? more : 0);
    sum += size(at_first) + size(more);
  }
  const double largest = -value.low > value.high ? -value.low : value.high;
  const double margin = kDoubleRounding * sum + kFloatRounding * largest;
  return {value.low - margin, value.high + margin, margin};
}

// The pixels [low, high] along an axis of the image that the box's voxel centres fall into, clipped to the image. The box
// lies in front of the camera and so projects into the hull of its corners.
struct PixelSpan {
  std::int64_t low, high;
};
FASTCV_HD PixelSpan pixel_span(const CenterBox& box, const double* row, const double* inverse_w, double margin,
                               std::int64_t size) {
  double low = 0, high = 0;
  const double first = row[0] * box.first[0] + row[1] * box.first[1] + row[2] * box.first[2] + row[3];
  for (int corner = 0; corner < 8; ++corner) {
    const double value = first + (corner & 1 ? row[0] * box.extent[0] : 0) + (corner & 2 ? row[1] * box.extent[1] : 0) +
                         (corner & 4 ? row[2] * box.extent[2] : 0);
    const double u = value * inverse_w[corner];
    low = corner == 0 || u < low ? u : low;
    high = corner == 0 || u > high ? u : high;
  }
  low -= margin;
  high += margin;
  const auto last = static_cast<double>(size - 1);
  return {low > 0 ? (low < last ? static_cast<std::int64_t>(low) : size - 1) : 0,
          high < last ? (high > 0 ? static_cast<std::int64_t>(high) : 0) : size - 1};
}

// Lowest and highest depth in a rectangle of pixels, of tiles that are at most four to a side.
FASTCV_HD void depths_within(const voxels::DepthFrames& frames, std::int64_t frame, const PixelSpan& x,
                             const PixelSpan& y, float& lowest, float& highest) {
  int level = 0;
  while (level + 1 < frames.pyramid.levels && ((x.high >> (voxels::kDepthTileBits + level)) -
                                                       (x.low >> (voxels::kDepthTileBits + level)) > 3 ||
                                                   (y.high >> (voxels::kDepthTileBits + level)) -
                                                       (y.low >> (voxels::kDepthTileBits + level)) > 3)) {
    ++level;
  }
  const int shift = voxels::kDepthTileBits + level;
  const float* ranges = frames.ranges + 2 * (frame * frames.pyramid.num_tiles + frames.pyramid.start[level]);
  for (std::int64_t row = y.low >> shift; row <= y.high >> shift; ++row) {
    for (std::int64_t column = x.low >> shift; column <= x.high >> shift; ++column) {
      const float* range = ranges + 2 * (row * frames.pyramid.columns[level] + column);
      lowest = range[0] < lowest ? range[0] : lowest;
      highest = range[1] > highest ? range[1] : highest;
    }
  }
}

// Depths against those of a box's voxels.
FASTCV_HD Sight compare_depths(const Interval& w, double lowest, double highest, double truncation) {
  if (!(highest > 0)) return Sight::kNothing;
  const double margin = kFloatRounding * (highest + truncation);
  if (w.low > highest + truncation + margin) return Sight::kNothing;
  return w.high < lowest - truncation - margin ? Sight::kFree : Sight::kBand;
}

FASTCV_HD Sight sight(const voxels::Fusion& fusion, std::int64_t frame, const std::int32_t* low, std::int64_t side) {
  const voxels::DepthFrames& frames = fusion.frames;
  const double* m = frames.image_from_voxel + 12 * frame;
  const CenterBox box = center_box(low, side);
  const Interval w = values_over(box, m + 8);
  if (w.high <= 0) return Sight::kNothing;
  const float* all = frames.ranges + 2 * (frame * frames.pyramid.num_tiles + frames.pyramid.num_tiles - 1);
  const Sight at_all = compare_depths(w, all[0], all[1], fusion.truncation);
  if (at_all == Sight::kNothing) return at_all;
  const double size[2] = {double(frames.width), double(frames.height)};
  double margins[2];
  for (int r = 0; r < 2; ++r) {
    // Left of the image, and right of it: u w < 0 and u w - width w > 0, whatever the sign of w.
    const Interval value = values_over(box, m + 4 * r);
    if (value.high < 0) return Sight::kNothing;
    double beyond[4];
    for (int k = 0; k < 4; ++k) beyond[k] = m[4 * r + k] - size[r] * m[8 + k];
    const double rounding = value.margin + size[r] * (w.margin + kFloatRounding * w.high);
    if (values_over(box, beyond).low > rounding) return Sight::kNothing;
    margins[r] = 1 + 2 * rounding / w.low;
  }
  if (!(w.low > 0)) return at_all;
  double inverse_w[8];
  for (int corner = 0; corner < 8; ++corner) {
    inverse_w[corner] = 1 / (m[8] * (box.first[0] + (corner & 1 ? box.extent[0] : 0)) +
                             m[9] * (box.first[1] + (corner & 2 ? box.extent[1] : 0)) +
                             m[10] * (box.first[2] + (corner & 4 ? box.extent[2] : 0)) + m[11]);
  }
  const PixelSpan x = pixel_span(box, m, inverse_w, margins[0], frames.width);
  const PixelSpan y = pixel_span(box, m + 4, inverse_w, margins[1], frames.height);
  float lowest = __builtin_huge_valf(), highest = -lowest;
  depths_within(frames, frame, x, y, lowest, highest);
  return compare_depths(w, lowest, highest, fusion.truncation);
}

}  // namespace fastcv::FASTCV_ISA
