// SPDX-License-Identifier: Apache-2.0
// Splits the reference into tiles, hands them to threads and calls the leaf for this processor.
#include "mvs/plane_sweep.h"

#include <algorithm>
#include <cstddef>

#include "core/parallel.h"
#include "mvs/scratch_pool.h"
#include "mvs/tile.h"

#define FASTCV_LEAF "mvs/plane_sweep.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

// Wide tiles repeat little of their halo, small ones stay in cache. Without a window there is no halo to repeat.
constexpr std::int64_t kTileWidth = 320, kTileHeight = 32, kTileHeightWithoutWindow = 4;

std::int64_t plane_sweep_tile(const Sweep& sweep, const Tile& tile, const CostVolume& out, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::plane_sweep(sweep, tile, out, scratch));
}
std::int64_t estimate_depth_tile(const Sweep& sweep, const Tile& tile, const DepthMap& out, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::estimate_depth(sweep, tile, out, scratch));
}
std::int64_t winner_take_all_tile(View<const float, 3> costs, const Hypotheses& hypotheses, const Tile& tile,
                                  const DepthMap& out, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::winner_take_all(costs, hypotheses, tile, out, scratch));
}

// Calls run(tile, scratch) for tiles that cover the image; run(tile, nullptr) says how much scratch it wants.
template <class Run>
void for_each_tile(std::int64_t height, std::int64_t width, std::int64_t tile_height, int num_threads, const Run& run) {
  const std::int64_t columns = (width + kTileWidth - 1) / kTileWidth, rows = (height + tile_height - 1) / tile_height;
  // No tile wants more than the first.
  ScratchPool pool(run({0, 0, std::min(kTileWidth, width), std::min(tile_height, height)}, nullptr));
  parallel_for(rows * columns, 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t x = i % columns * kTileWidth, y = i / columns * tile_height;
      const Tile tile{x, y, std::min(kTileWidth, width - x), std::min(tile_height, height - y)};
      const ScratchPool::Block scratch(pool);
      run(tile, scratch.get());
    }
  });
}

std::int64_t tile_height(const Sweep& sweep) { return sweep.window == 1 ? kTileHeightWithoutWindow : kTileHeight; }

}  // namespace

void plane_sweep(const Sweep& sweep, const CostVolume& out, int num_threads) {
  for_each_tile(sweep.reference.height, sweep.reference.width, tile_height(sweep), num_threads,
                [&](const Tile& tile, std::byte* scratch) { return plane_sweep_tile(sweep, tile, out, scratch); });
}

void estimate_depth(const Sweep& sweep, const DepthMap& out, int num_threads) {
  for_each_tile(sweep.reference.height, sweep.reference.width, tile_height(sweep), num_threads,
                [&](const Tile& tile, std::byte* scratch) { return estimate_depth_tile(sweep, tile, out, scratch); });
}

void winner_take_all(View<const float, 3> costs, const Hypotheses& hypotheses, const DepthMap& out, int num_threads) {
  for_each_tile(costs.shape[1], costs.shape[2], kTileHeightWithoutWindow, num_threads,
                [&](const Tile& tile, std::byte* scratch) {
                  return winner_take_all_tile(costs, hypotheses, tile, out, scratch);
                });
}

}  // namespace fastcv::mvs
