// SPDX-License-Identifier: Apache-2.0
// Where a block's voxels are stored: a hash table with open addressing. Source: Niessner et al. 2013, "Real-time 3D
// reconstruction at scale using voxel hashing"; keys here are whole coordinates, so that nothing collides for good.
#pragma once

#include "core/view.h"

namespace fastcv::voxels {

// Coordinates of blocks lie in [-kBlockLimit, kBlockLimit), so that three of them make one key.
constexpr int kBlockBits = 20;
constexpr std::int32_t kBlockLimit = 1 << kBlockBits;
constexpr std::int64_t kNoKey = -1;

struct BlockNumber {
  std::int32_t zyx[3];
};

// One of the eight cubes of blocks, half as wide, of a cube of 2^level a side.
FASTCV_HD BlockNumber part_of(const BlockNumber& low, int level, int part) {
  const std::int32_t half = 1 << (level - 1);
  return {{low.zyx[0] + (part >> 2) * half, low.zyx[1] + (part >> 1 & 1) * half, low.zyx[2] + (part & 1) * half}};
}

struct BlockTable {
  std::int64_t size;          // a power of two, larger than the number of blocks
  const std::int64_t* keys;   // kNoKey where there is none
  const std::int32_t* slots;  // of the block with this key
};

}  // namespace fastcv::voxels

namespace fastcv::FASTCV_ISA {

// block: z, y, x.
FASTCV_HD std::int64_t block_key(const std::int32_t* block) {
  const auto part = [&](int axis) { return static_cast<std::int64_t>(block[axis] + voxels::kBlockLimit); };
  return part(0) << (2 * voxels::kBlockBits + 2) | part(1) << (voxels::kBlockBits + 1) | part(2);
}

FASTCV_HD bool within_limit(const std::int32_t* block) {
  bool within = true;
  for (int axis = 0; axis < 3; ++axis)
    within &= block[axis] >= -voxels::kBlockLimit && block[axis] < voxels::kBlockLimit;
  return within;
}

// Where to begin looking. Multiplication mixes upwards only, hence the shift (Fibonacci hashing, Knuth vol. 3, 6.4).
FASTCV_HD std::int64_t first_place(const voxels::BlockTable& table, std::int64_t key) {
  const std::uint64_t mixed = static_cast<std::uint64_t>(key) * 0x9e3779b97f4a7c15U;
  return static_cast<std::int64_t>(mixed >> 32) & (table.size - 1);
}

// -1 where there is no such block.
FASTCV_HD std::int32_t find_slot(const voxels::BlockTable& table, std::int64_t key) {
  for (std::int64_t place = first_place(table, key);; place = (place + 1) & (table.size - 1)) {
    if (table.keys[place] == key) return table.slots[place];
    if (table.keys[place] == voxels::kNoKey) return -1;
  }
}

}  // namespace fastcv::FASTCV_ISA
