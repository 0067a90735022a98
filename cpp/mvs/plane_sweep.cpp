// SPDX-License-Identifier: Apache-2.0
// Splits the reference into tiles, hands them to threads and calls the leaf for this processor.
#include "mvs/plane_sweep.h"

#include <cstddef>

#include "mvs/for_each_tile.h"

#define FASTCV_LEAF "mvs/plane_sweep.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

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

std::int64_t tile_height(const Sweep& sweep) { return sweep.window == 1 ? kTileHeightWithoutWindow : kTileHeight; }

}  // namespace

void plane_sweep(const Sweep& sweep, const CostVolume& out, int num_threads) {
  for_each_tile(0, sweep.reference.height, sweep.reference.width, tile_height(sweep), num_threads,
                [&](const Tile& tile, std::byte* scratch) { return plane_sweep_tile(sweep, tile, out, scratch); });
}

void estimate_depth(const Sweep& sweep, const DepthMap& out, int num_threads) {
  for_each_tile(0, sweep.reference.height, sweep.reference.width, tile_height(sweep), num_threads,
                [&](const Tile& tile, std::byte* scratch) { return estimate_depth_tile(sweep, tile, out, scratch); });
}

void winner_take_all(View<const float, 3> costs, const Hypotheses& hypotheses, const DepthMap& out, int num_threads) {
  for_each_tile(0, costs.shape[1], costs.shape[2], kTileHeightWithoutWindow, num_threads,
                [&](const Tile& tile, std::byte* scratch) {
                  return winner_take_all_tile(costs, hypotheses, tile, out, scratch);
                });
}

}  // namespace fastcv::mvs
