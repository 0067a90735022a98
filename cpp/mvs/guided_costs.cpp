// SPDX-License-Identifier: Apache-2.0
// Splits the image into tiles, hands them to threads and calls the leaf for this processor.
#include "mvs/guided_costs.h"

#include <algorithm>
#include <cstddef>

#include "core/parallel.h"
#include "mvs/scratch_pool.h"
#include "mvs/tile.h"

#define FASTCV_LEAF "mvs/guided_costs.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

// What a tile needs of both grey and colour fits the second cache, and its halo of twice the radius is not all of it.
constexpr std::int64_t kTileWidth = 192, kTileHeight = 64;

std::int64_t guided_costs_tile(const GuidedCosts& in, const Tile& tile, View<float, 3> out, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::guided_costs(in, tile, out, scratch));
}

}  // namespace

void guided_costs(const GuidedCosts& in, View<float, 3> out, int num_threads) {
  const std::int64_t height = in.costs.shape[1], width = in.costs.shape[2];
  const std::int64_t columns = (width + kTileWidth - 1) / kTileWidth, rows = (height + kTileHeight - 1) / kTileHeight;
  ScratchPool pool(guided_costs_tile(in, {0, 0, kTileWidth, kTileHeight}, out, nullptr));
  parallel_for(rows * columns, 1, num_threads, [&](std::int64_t i, std::int64_t) {
    const std::int64_t x = i % columns * kTileWidth, y = i / columns * kTileHeight;
    const ScratchPool::Block scratch(pool);
    guided_costs_tile(in, {x, y, std::min(kTileWidth, width - x), std::min(kTileHeight, height - y)}, out,
                      scratch.get());
  });
}

}  // namespace fastcv::mvs
