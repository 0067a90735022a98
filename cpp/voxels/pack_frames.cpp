// SPDX-License-Identifier: Apache-2.0
// Packs depth maps, a row of tiles at a time.
#include <algorithm>

#include "core/interrupt.h"
#include "core/lanes.hd.h"
#include "core/parallel.h"
#include "voxels/depth_frames.h"
#include "voxels/pack_frame.hd.h"

namespace fastcv::voxels {

namespace {

// Four pixels at a time, from sixteen bytes, while those are the line's.
void pack_colors(const std::uint8_t* rgb, std::int64_t begin, std::int64_t end, std::int32_t* to) {
  typedef std::uint8_t Bytes __attribute__((vector_size(16)));
  typedef std::int32_t Words __attribute__((vector_size(16)));
  constexpr Bytes kSpread = {0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0};
  std::int64_t i = begin;
  for (; i + 6 <= end; i += 4) {
    const Words words = (Words)__builtin_shuffle(generic::load<Bytes>(rgb + 3 * i), kSpread) & 0xffffff;
    generic::store(to + i, words);
  }
  for (; i < end; ++i) to[i] = generic::packed_color(rgb + 3 * i);
}

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
  if (tile.extras.colors) pack_colors(tile.extras.colors, begin, end, tile.to.colors);
}

// The range of a whole tile of packed depths, from its first pixel on.
void range_of(const float* depths, std::int64_t stride, float& lowest, float& highest) {
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
  lowest = low[0];
  highest = high[0];
  for (int lane = 1; lane < kLanes; ++lane) {
    lowest = std::min<float>(lowest, low[lane]);
    highest = std::max<float>(highest, high[lane]);
  }
}

// A row of tiles, numbered through all frames.
template <class T>
void pack_row(const generic::PackFrameTile<T>& tile, std::int64_t number) {
  const std::int64_t height = tile.from.shape[1], width = tile.from.shape[2], columns = tile.windows.columns;
  const std::int64_t frame = number / tile.windows.rows, row = number % tile.windows.rows;
  const bool whole = (row + 1) * kDepthTile <= height;
  const std::int64_t first = (frame * height + row * kDepthTile) * width;
  float* lows = tile.to.ranges + 2 * frame * tile.windows.count() + row * columns;
  float* highs = lows + tile.windows.count();
  for (int y = 0; whole && y < kDepthTile; ++y) pack_line(tile, first + y * width, first + (y + 1) * width);
  for (std::int64_t c = 0; c < columns; ++c) {
    if (whole && (c + 1) * kDepthTile <= width) {
      range_of(tile.to.depths + first + c * kDepthTile, width, lows[c], highs[c]);
    } else {
      tile(number * columns + c);
    }
  }
}

// A row of windows from the two below it, with loops that become vectors: as WidenWindow does.
template <class Better>
void widen_row(const float* from, const float* below, std::int64_t half, std::int64_t columns, float* to,
               const Better& better) {
  const std::int64_t both = std::max<std::int64_t>(columns - half, 0);
  for (std::int64_t x = 0; x < both; ++x)
    to[x] = better(better(from[x], from[x + half]), better(below[x], below[x + half]));
  for (std::int64_t x = both; x < columns; ++x) to[x] = better(from[x], below[x]);
}

void widen(const DepthWindows& windows, float* ranges, std::int64_t frame) {
  const auto smallest = [](float a, float b) { return a < b ? a : b; };
  const auto largest = [](float a, float b) { return a > b ? a : b; };
  float* lows = ranges + 2 * frame * windows.count();
  for (int level = 1; level < windows.levels; ++level, lows += windows.tiles()) {
    const std::int64_t half = std::int64_t(1) << (level - 1), columns = windows.columns;
    for (std::int64_t row = 0; row < windows.rows; ++row) {
      const std::int64_t from = row * columns, below = row + half < windows.rows ? from + half * columns : from;
      const std::int64_t to = from + windows.tiles(), high = windows.count();
      widen_row(lows + from, lows + below, half, columns, lows + to, smallest);
      widen_row(lows + high + from, lows + high + below, half, columns, lows + high + to, largest);
    }
  }
  generic::WidenWindow{windows, windows.levels, ranges}(frame);
}

}  // namespace

template <class T>
void pack_frames(View<const T, 3> depths, float scale, float max_depth, const PixelExtras& extras,
                 const PackedFrames& out, int num_threads) {
  constexpr std::int64_t kGrain = 8;
  const DepthWindows windows(depths.shape[1], depths.shape[2]);
  const generic::PackFrameTile<T> tile{depths, scale, max_depth, extras, out, windows};
  parallel_for(depths.shape[0] * windows.rows, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) pack_row(tile, i);
  });
  parallel_for(depths.shape[0], 1, num_threads,
               [&](std::int64_t frame, std::int64_t) { widen(windows, out.ranges, frame); });
}

template void pack_frames(View<const float, 3>, float, float, const PixelExtras&, const PackedFrames&, int);
template void pack_frames(View<const std::uint16_t, 3>, float, float, const PixelExtras&, const PackedFrames&, int);

}  // namespace fastcv::voxels
