// SPDX-License-Identifier: Apache-2.0
// Splits blocks over threads and calls the leaf for this processor.
#include "voxels/smooth_occupancy.h"

#include "core/parallel.h"

#define FASTCV_LEAF "voxels/smooth_occupancy.leaf.h"
#include "core/leaf.h"

namespace fastcv::voxels {
namespace {

void smooth(const Occupancy& occupancy, const std::int32_t* block, int passes, float* values) {
  FASTCV_DISPATCH(voxels::smooth_block(occupancy, block, passes, values));
}

}  // namespace

void smooth_occupancy(const Occupancy& occupancy, View<const std::int32_t, 2> blocks, int passes, float* values,
                      int num_threads) {
  constexpr std::int64_t kGrain = 64;
  parallel_for(blocks.shape[0], kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      smooth(occupancy, &blocks(i, 0), passes, values + i * kBlock * kRows);
    }
  });
}

}  // namespace fastcv::voxels
