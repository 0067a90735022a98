// SPDX-License-Identifier: Apache-2.0
// Packs depth maps, a row of tiles at a time.
#include <algorithm>
#include <cstring>

#include "core/interrupt.h"
#include "core/lanes.hd.h"
#include "core/parallel.h"
#include "voxels/depth_frames.h"
#include "voxels/pack_frame.hd.h"

namespace fastcv::voxels {

namespace {

// A line of pixels, with loops that become vectors.
template <class T>
void pack_line(const generic::PackFrameTile<T>& tile, std::int64_t begin, std::int64_t end) {
  const T* from = tile.from.data;
  float* to = tile.to.depths;
  const float scale = tile.scale, max_depth = tile.max_depth;
  if (tile.extras.weights) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = tile.depth_at(i);
  } else {
    for (std::int64_t i = begin; i < end; ++i) to[i] = generic::valid_depth(from[i], scale, max_depth);
  }
  if (!tile.extras.colors) return;
  // Four bytes at a time, but for the last pixel, which may be the array's last.
  for (std::int64_t i = begin; i < end - 1; ++i) {
    std::int32_t bytes;
    std::memcpy(&bytes, tile.extras.colors + 3 * i, sizeof bytes);
    tile.to.colors[i] = bytes & 0xffffff;
  }
  if (begin < end) tile.to.colors[end - 1] = tile.color_at(end - 1);
}

// The range of a whole tile of packed depths, from its first pixel on.
void range_of(const float* depths, std::int64_t stride, float* range) {
  using namespace generic;
  const Floats none = splat(infinity());
  Floats low = none, high = -none;
  for (int y = 0; y < kDepthTile; ++y) {
    for (int x = 0; x < kDepthTile; x += kLanes) {
      const Floats d = load<Floats>(depths + y * stride + x);
      low = smaller(low, select(d > 0, d, none));
      high = larger(high, d);
    }
  }
  range[0] = low[0];
  range[1] = high[0];
  for (int lane = 1; lane < kLanes; ++lane) {
    range[0] = std::min<float>(range[0], low[lane]);
    range[1] = std::max<float>(range[1], high[lane]);
  }
}

// A row of tiles, numbered through all frames.
template <class T>
void pack_row(const generic::PackFrameTile<T>& tile, std::int64_t number) {
  const std::int64_t height = tile.from.shape[1], width = tile.from.shape[2], columns = tile.pyramid.columns[0];
  const std::int64_t rows = (height + kDepthTile - 1) >> kDepthTileBits, frame = number / rows, row = number % rows;
  const bool whole = (row + 1) * kDepthTile <= height;
  const std::int64_t first = (frame * height + row * kDepthTile) * width;
  float* ranges = tile.to.ranges + 2 * (frame * tile.pyramid.num_tiles + row * columns);
  for (int y = 0; whole && y < kDepthTile; ++y) pack_line(tile, first + y * width, first + (y + 1) * width);
  for (std::int64_t c = 0; c < columns; ++c) {
    if (whole && (c + 1) * kDepthTile <= width) {
      range_of(tile.to.depths + first + c * kDepthTile, width, ranges + 2 * c);
    } else {
      tile(number * columns + c);
    }
  }
}

}  // namespace

template <class T>
void pack_frames(View<const T, 3> depths, float scale, float max_depth, const PixelExtras& extras,
                 const PackedFrames& out, int num_threads) {
  constexpr std::int64_t kGrain = 8;
  const DepthPyramid pyramid = depth_pyramid(depths.shape[1], depths.shape[2]);
  const generic::PackFrameTile<T> tile{depths, scale, max_depth, extras, out, pyramid};
  const std::int64_t rows = (depths.shape[1] + kDepthTile - 1) >> kDepthTileBits;
  parallel_for(depths.shape[0] * rows, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) pack_row(tile, i);
  });
  for (int level = 1; level < pyramid.levels; ++level) {
    const generic::MergeFrameTiles merge{pyramid, level, out.ranges};
    polled_for(depths.shape[0] * merge.tiles(level), merge);
  }
}

template void pack_frames(View<const float, 3>, float, float, const PixelExtras&, const PackedFrames&, int);
template void pack_frames(View<const std::uint16_t, 3>, float, float, const PixelExtras&, const PackedFrames&, int);

}  // namespace fastcv::voxels
