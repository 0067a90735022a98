// SPDX-License-Identifier: Apache-2.0
// Fuses depth maps into truncated signed distances in blocks of 8 x 8 x 8 voxels.
#pragma once

#include "voxels/block_table.hd.h"
#include "voxels/carving.h"
#include "voxels/depth_frames.h"

namespace fastcv::voxels {

constexpr int kBlockVoxels = kBlock * kBlock * kBlock;
constexpr int kGroup = 64;  // boxes of voxels that are judged at once by what a frame shows

struct Fusion {
  DepthFrames frames;
  float truncation;  // in scene units
  float weight;      // of a frame without weights of its own
  float max_weight;
};

// Blocks side by side: values (count, 8, 8, 8) in scene units, weights the same, colors (count, 3, 8, 8, 8) or null.
struct BlockVoxels {
  float *values, *weights, *colors;

  FASTCV_HD BlockVoxels block(std::int64_t i) const {
    return {values + i * kBlockVoxels, weights + i * kBlockVoxels, colors ? colors + 3 * i * kBlockVoxels : nullptr};
  }
};

// Finds the blocks that are not in the table and in which some voxel's centre lies within the truncation of what a
// frame shows, in the same order for every number of threads. blocks: (capacity, 3); first_frames: (capacity), the
// first frame that does. Returns how many there are, or limit + 1 for any number beyond the limit; those beyond the
// capacity are not written.
std::int64_t find_blocks(const Fusion& fusion, const BlockTable& table, std::int64_t limit,
                         Rows<std::int32_t, 3> blocks, std::int32_t* first_frames, int num_threads);

// Updates the blocks; the last of them, as many as there are first frames, by the frames from their first on.
void integrate(const Fusion& fusion, Rows<const std::int32_t, 3> blocks, View<const std::int32_t, 1> first_frames,
               const BlockVoxels& voxels, int num_threads);

// Enters blocks [begin, blocks.rows) into the table. Returns false where two have the same coordinates.
bool insert_blocks(Rows<const std::int32_t, 3> blocks, std::int64_t begin, std::int64_t size, std::int64_t* keys,
                   std::int32_t* slots);

}  // namespace fastcv::voxels
