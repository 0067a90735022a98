// SPDX-License-Identifier: Apache-2.0
// A scalar field in blocks of 8 x 8 x 8 samples: the tiles of a dense array, or blocks that lie anywhere.
#pragma once

#include "core/view.h"
#include "voxels/carving.h"

namespace fastcv::voxels {

// z, y, x in blocks.
struct BlockPosition {
  std::int64_t z, y, x;
};

// Samples lie at the centres of voxels. Colours and flags, where there are any, are laid out as the values are.
struct Samples {
  const float* values;
  const std::uint8_t* valid;   // 0: nobody knows the value; null: all are known that are finite
  const std::uint8_t* colors;  // RGB
  float level;                 // below it is inside
  double origin[3], voxel_size;
  std::int64_t shape[3];          // of a dense array; z, y, x
  std::int64_t num_blocks;        // of both, a dense array's in raster order
  const std::int32_t* blocks;     // (num_blocks, 3) z, y, x in blocks; null for a dense array
  const std::int32_t* neighbors;  // (num_blocks, 27) as block_neighbors() finds them

  FASTCV_HD std::int64_t blocks_along(int axis) const { return (shape[axis] + kBlock - 1) / kBlock; }
  FASTCV_HD BlockPosition position(std::int64_t block) const {
    if (blocks) return {blocks[3 * block], blocks[3 * block + 1], blocks[3 * block + 2]};
    const std::int64_t along_x = blocks_along(2), along_y = blocks_along(1), row = block / along_x;
    return {row / along_y, row % along_y, block % along_x};
  }
  // The block beside one, -1 where there is none.
  FASTCV_HD std::int64_t neighbor(std::int64_t block, const BlockPosition& at, int dz, int dy, int dx) const {
    if (neighbors) return neighbors[27 * block + 9 * dz + 3 * dy + dx + 13];
    const std::int64_t z = at.z + dz, y = at.y + dy, x = at.x + dx;
    const bool inside = z >= 0 && y >= 0 && x >= 0 && z < blocks_along(0) && y < blocks_along(1) && x < blocks_along(2);
    return inside ? (z * blocks_along(1) + y) * blocks_along(2) + x : -1;
  }
  // Where in the arrays a block's first sample stands, and how much further the next layer and the next row.
  FASTCV_HD std::int64_t first(std::int64_t block, const BlockPosition& at) const {
    return blocks ? block * kBlock * kRows : ((at.z * shape[1] + at.y) * shape[2] + at.x) * kBlock;
  }
  FASTCV_HD std::int64_t row_stride() const { return blocks ? kBlock : shape[2]; }
  FASTCV_HD std::int64_t layer_stride() const { return blocks ? kRows : shape[1] * shape[2]; }
};

// What classification finds: a word per layer of a block, bit 8 y + x for a sample.
struct Signs {
  std::uint64_t* inside;
  std::uint64_t* known;
  std::uint8_t* states;  // a byte per block: kHasInside, kHasOutside
};
constexpr std::uint8_t kHasInside = 1, kHasOutside = 2;

}  // namespace fastcv::voxels
