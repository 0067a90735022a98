// SPDX-License-Identifier: Apache-2.0
// Binary voxels as a smooth field with the sign of a distance, in the blocks that are asked for.
#pragma once

#include "core/view.h"
#include "voxels/carving.h"

namespace fastcv::voxels {

// Blocks of voxels; kAllEmpty and kAllFull stand in `ranks` for blocks without bits.
struct Occupancy {
  View<const std::int32_t, 3> ranks;  // (Z/8, Y/8, X/8) where in `bits` a block's are
  const std::uint8_t* bits;           // kRows a block, as carve_blocks() writes them
  std::int64_t shape[3];              // z, y, x
};
constexpr std::int32_t kAllEmpty = -1, kAllFull = -2;
constexpr int kMostPasses = 4;

// values: (count, 8, 8, 8), 0.5 less the part of occupied voxels around each, by binomial weights of order 2 * passes
// along every axis. Beyond the grid nothing is occupied. A part of one half counts as a little more, so that no value
// is 0. blocks: (count, 3) z, y, x, beyond the grid too.
void smooth_occupancy(const Occupancy& occupancy, View<const std::int32_t, 2> blocks, int passes, float* values,
                      int num_threads);

}  // namespace fastcv::voxels
