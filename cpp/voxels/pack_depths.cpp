// SPDX-License-Identifier: Apache-2.0
// The ranges of depth maps over threads, one map each: four pixels at a time.
#include <cstring>

#include "core/interrupt.h"
#include "core/parallel.h"
#include "voxels/depth_map.hd.h"

namespace fastcv::voxels {
namespace {

using generic::MergeRanges;
using generic::RangeOfTile;

typedef float Quad __attribute__((vector_size(4 * kTile)));

// Of a tile that lies in the image as a whole, from its first pixel on.
void range_of_whole_tile(const float* pixels, std::int64_t width, float* range) {
  Quad low{}, high{};
  FASTCV_UNROLL
  for (int row = 0; row < kTile; ++row) {
    Quad depth;
    std::memcpy(&depth, pixels + row * width, sizeof depth);
    depth = depth > 0 ? depth : depth < 0 ? Quad{} - 1 : Quad{};
    low = row == 0 ? depth : depth < low ? depth : low;
    high = row == 0 ? depth : depth > high ? depth : high;
  }
  range[0] = low[0];
  range[1] = high[0];
  for (int i = 1; i < kTile; ++i) {
    range[0] = low[i] < range[0] ? low[i] : range[0];
    range[1] = high[i] > range[1] ? high[i] : range[1];
  }
}

// As find_ranges wants its work done.
struct Run {
  void operator()(std::int64_t, const RangeOfTile& tiles) const {
    const std::int64_t height = tiles.map.shape[0], width = tiles.map.shape[1];
    const std::int64_t rows = generic::tiles_along(height), columns = generic::tiles_along(width);
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t whole = (row + 1) * kTile <= height ? width / kTile : 0;
      const float* pixels = tiles.map.data + row * kTile * width;
      for (std::int64_t column = 0; column < whole; ++column) {
        range_of_whole_tile(pixels + column * kTile, width, tiles.ranges + 2 * (row * columns + column));
      }
      for (std::int64_t column = whole; column < columns; ++column) tiles(row * columns + column);
      poll_interrupt();
    }
  }
  void operator()(std::int64_t n, const MergeRanges& merge) const {
    for (std::int64_t i = 0; i < n; ++i) merge(i);
  }
};

}  // namespace

void pack_depths(const View<const float, 2>* maps, Rows<std::int64_t, kLayout> layout, float* ranges, int num_threads) {
  parallel_for(layout.rows, 1, num_threads, [&](std::int64_t i, std::int64_t) {
    layout[i][2] = reinterpret_cast<std::int64_t>(maps[i].data);
    generic::find_ranges(maps[i], ranges + layout[i][3], Run{});
  });
}

}  // namespace fastcv::voxels
