// SPDX-License-Identifier: Apache-2.0
// Does a view look through a voxel's centre, by the depth that it measured there? And through all voxels of a box?
#pragma once

#include "voxels/depth_maps.h"
#include "voxels/projection.hd.h"

namespace fastcv::FASTCV_ISA {

struct DepthMap : Frame {
  std::int64_t tile_rows;
  const float* pixels;
  const float* ranges;
  double margin;
};

FASTCV_HD DepthMap view_of(const voxels::DepthMaps& all, std::int64_t view) {
  const std::int64_t* layout = all.layout + view * voxels::kLayout;
  return {frame(all.image_from_voxel, all.layout, view), tiles_along(layout[1]),
          reinterpret_cast<const float*>(layout[2]), all.ranges + layout[3], all.margin};
}

template <class D, int kColumns>
FASTCV_HD Saying<Int32Of<D>> look(const DepthMap& map, double x, double y, double z, int i,
                                  std::int32_t outside_violates) {
  const Position<D> p = position<D, kColumns>(map, x, y, z, i);
  const Pixel<D> pixel = pixel_at(map, p);
  const D depth = gather(map.pixels, pixel.row * static_cast<std::int32_t>(map.width) + pixel.column);
  const Int32Of<D> one = Int32Of<D>{} + 1;
  const auto sees = pixel.inside & (depth > 0);
  const Int32Of<D> unseen = one - keep_if(pixel.inside, one) + keep_if(pixel.inside & (depth < 0), one);
  return {keep_if(sees, one), keep_if(sees & (p.w < depth - map.margin), one) + unseen * outside_violates};
}

struct Range {
  float low, high;

  FASTCV_HD void add(const float* other) {
    low = other[0] < low ? other[0] : low;
    high = other[1] > high ? other[1] : high;
  }
};
constexpr Range kNoRange = {__builtin_inff(), -__builtin_inff()};

// Tiles [first, last] along x and y lie in at most this many squares a side of the size that is asked.
constexpr int kSquares = 4;

FASTCV_HD Range range_of(const DepthMap& map, std::int64_t left, std::int64_t right, std::int64_t top,
                         std::int64_t bottom) {
  std::int64_t rows = map.tile_rows, columns = map.tile_columns;
  const float* squares = map.ranges;
  while (right - left >= kSquares || bottom - top >= kSquares) {
    squares += 2 * rows * columns;
    rows = (rows + 1) / 2;
    columns = (columns + 1) / 2;
    left /= 2;
    right /= 2;
    top /= 2;
    bottom /= 2;
  }
  Range range = kNoRange;
  for (std::int64_t row = top; row <= bottom; ++row) {
    for (std::int64_t column = left; column <= right; ++column) range.add(squares + 2 * (row * columns + column));
  }
  return range;
}

// What the view may say of the voxels of the box.
FASTCV_HD std::uint32_t sayings(const DepthMap& map, const Box& box) {
  const Extent e = extent(map, box);
  if (e.behind) return kUnseen;
  if (!e.in_front) return kUnseen | kBackground | kForeground | kUnknown;
  if (e.beside(map)) return kUnseen;
  const auto first = [](double low) { return low > 0 ? std::int64_t(low) / voxels::kTile : 0; };
  const auto last = [](double high, double size) {
    return std::int64_t(high < size ? high : size - 1) / voxels::kTile;
  };
  const Range range =
      range_of(map, first(e.u_low), last(e.u_high, map.width), first(e.v_low), last(e.v_high, map.height));
  std::uint32_t may = e.within(map) && range.low >= 0 ? 0 : kUnseen;
  if (range.low <= 0 && range.high >= 0) may |= kUnknown;
  if (range.high > 0) {
    if (e.w_low < double(range.high) - map.margin) may |= kBackground;
    if (e.w_high >= double(range.low) - map.margin) may |= kForeground;
  }
  return may;
}

// The range of tile i of a map.
struct RangeOfTile {
  View<const float, 2> map;
  float* ranges;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t columns = tiles_along(map.shape[1]);
    const std::int64_t y = i / columns * voxels::kTile, x = i % columns * voxels::kTile;
    Range range = kNoRange;
    for (std::int64_t row = y; row < y + voxels::kTile && row < map.shape[0]; ++row) {
      for (std::int64_t column = x; column < x + voxels::kTile && column < map.shape[1]; ++column) {
        const float depth = map.data[row * map.shape[1] + column];
        const float code = depth > 0.0F ? depth : depth < 0.0F ? -1.0F : 0.0F, both[2] = {code, code};
        range.add(both);
      }
    }
    ranges[2 * i] = range.low;
    ranges[2 * i + 1] = range.high;
  }
};

// The range of a square from those of its four quarters, as far as there are so many.
struct MergeRanges {
  std::int64_t rows, columns;  // of quarters
  const float* quarters;
  float* squares;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t along = (columns + 1) / 2, top = 2 * (i / along), left = 2 * (i % along);
    Range range = kNoRange;
    for (std::int64_t row = top; row < top + 2 && row < rows; ++row) {
      for (std::int64_t column = left; column < left + 2 && column < columns; ++column) {
        range.add(quarters + 2 * (row * columns + column));
      }
    }
    squares[2 * i] = range.low;
    squares[2 * i + 1] = range.high;
  }
};

// The ranges of one map: `run(n, functor)` calls the functor for [0, n).
template <class Run>
void find_ranges(View<const float, 2> map, float* ranges, const Run& run) {
  std::int64_t rows = tiles_along(map.shape[0]), columns = tiles_along(map.shape[1]);
  run(rows * columns, RangeOfTile{map, ranges});
  while (rows * columns > 1) {
    float* squares = ranges + 2 * rows * columns;
    const MergeRanges merge{rows, columns, ranges, squares};
    rows = (rows + 1) / 2;
    columns = (columns + 1) / 2;
    run(rows * columns, merge);
    ranges = squares;
  }
}

}  // namespace fastcv::FASTCV_ISA
