// SPDX-License-Identifier: Apache-2.0
// Tiles of the reference, handed to threads with scratch memory.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/parallel.h"
#include "mvs/scratch_pool.h"
#include "mvs/tile.h"

namespace fastcv::mvs {

// Wide tiles repeat little of their halo, small ones stay in cache. Without a window there is no halo to repeat.
constexpr std::int64_t kTileWidth = 320, kTileHeight = 32, kTileHeightWithoutWindow = 4;

// Calls run(tile, scratch) for tiles that cover `height` rows from `top`; run(tile, nullptr) says how much scratch it
// wants.
template <class Run>
void for_each_tile(std::int64_t top, std::int64_t height, std::int64_t width, std::int64_t tile_height, int num_threads,
                   const Run& run) {
  const std::int64_t columns = (width + kTileWidth - 1) / kTileWidth, rows = (height + tile_height - 1) / tile_height;
  // No tile wants more than the first.
  ScratchPool pool(run({0, top, std::min(kTileWidth, width), std::min(tile_height, height)}, nullptr));
  parallel_for(rows * columns, 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t x = i % columns * kTileWidth, y = i / columns * tile_height;
      const Tile tile{x, top + y, std::min(kTileWidth, width - x), std::min(tile_height, height - y)};
      const ScratchPool::Block scratch(pool);
      run(tile, scratch.get());
    }
  });
}

}  // namespace fastcv::mvs
