// SPDX-License-Identifier: Apache-2.0
// Reads a surface's voxels: where they are stored, and cells of eight between which a point lies.
#pragma once

#include <cmath>

#include "voxels/block_table.hd.h"
#include "voxels/raycast.h"

namespace fastcv::FASTCV_ISA {

// The eight voxels whose centres surround a point, and where it lies between them.
struct Cell {
  float value[8];
  std::int64_t voxel[8];  // of the stored arrays; x is the lowest bit of a corner's number, then y, then z
  float fraction[3];      // x, y, z
};

FASTCV_HD float blend(const float* corners, const float* f) {
  const auto mix = [](float a, float b, float t) { return a + (b - a) * t; };
  const float y0 = mix(mix(corners[0], corners[1], f[0]), mix(corners[2], corners[3], f[0]), f[1]);
  const float y1 = mix(mix(corners[4], corners[5], f[0]), mix(corners[6], corners[7], f[0]), f[1]);
  return mix(y0, y1, f[2]);
}

// Where a voxel lies in its block.
FASTCV_HD std::int64_t offset_in_block(const std::int64_t* voxel) {
  return (voxel[2] & 7) << 6 | (voxel[1] & 7) << 3 | (voxel[0] & 7);
}

// Reads voxels, and remembers blocks by the lowest kBits bits of their coordinates, so that those which meet in a
// corner differ: eight of them for a thread of a GPU, for one of a CPU those that a ray and its neighbours meet on
// their way.
template <int kBits>
class VoxelReader {
 public:
  FASTCV_HD explicit VoxelReader(const voxels::Surface& surface) : surface_(surface) {
    for (std::int64_t& key : keys_) key = voxels::kNoKey;
  }

  // Where the block of a voxel is stored; -1 where there is no such block.
  FASTCV_HD std::int64_t find(const std::int64_t* voxel) {
    const auto part = [&](int axis) { return static_cast<std::int32_t>(voxel[axis] >> 3); };
    const std::int32_t block[3] = {part(2), part(1), part(0)};
    if (block[0] == last_[0] && block[1] == last_[1] && block[2] == last_[2]) return last_slot_;
    for (int axis = 0; axis < 3; ++axis) last_[axis] = block[axis];
    return last_slot_ = find_block(block);
  }
  // False where one of the eight voxels around the point (in voxels) is missing.
  FASTCV_HD bool read(const double* point, Cell& cell) {
    std::int64_t low[3];
    bool in_block = true;
    for (int axis = 0; axis < 3; ++axis) {
      const double shifted = point[axis] - 0.5, whole = floor(shifted);
      low[axis] = static_cast<std::int64_t>(whole);
      cell.fraction[axis] = static_cast<float>(shifted - whole);
      in_block &= (low[axis] & 7) != 7;
    }
    return in_block ? read_within(low, cell) : read_across(low, cell);
  }

 private:
  FASTCV_HD std::int64_t find_block(const std::int32_t* block) {
    if (!within_limit(block)) return -1;
    const std::int64_t key = block_key(block);
    constexpr int kMask = (1 << kBits) - 1;
    const int place = (block[0] & kMask) << (2 * kBits) | (block[1] & kMask) << kBits | (block[2] & kMask);
    if (keys_[place] != key) {
      keys_[place] = key;
      slots_[place] = find_slot(surface_.table, key);
    }
    return slots_[place];
  }
  FASTCV_HD bool read_within(const std::int64_t* low, Cell& cell) {
    const std::int64_t slot = find(low);
    if (slot < 0) return false;
    const std::int64_t first = slot * voxels::kBlockVoxels + offset_in_block(low);
    bool known = true;
    for (int corner = 0; corner < 8; ++corner) {
      const std::int64_t index = first + ((corner & 1) | (corner >> 1 & 1) << 3 | (corner >> 2) << 6);
      cell.voxel[corner] = index;
      cell.value[corner] = surface_.values[index];
      known &= surface_.weights[index] >= surface_.min_weight;
    }
    return known;
  }
  // Each of the blocks that meet here is looked for once: a corner's is that of the axes along which it lies beyond.
  FASTCV_HD bool read_across(const std::int64_t* low, Cell& cell) {
    int beyond = 0;
    for (int axis = 0; axis < 3; ++axis) beyond |= ((low[axis] & 7) == 7) << axis;
    std::int64_t slots[8] = {};
    bool known = true;
    for (int corner = 0; corner < 8 && known; ++corner) {
      const std::int64_t voxel[3] = {low[0] + (corner & 1), low[1] + (corner >> 1 & 1), low[2] + (corner >> 2)};
      slots[corner] = (corner & ~beyond) == 0 ? find(voxel) : slots[corner & beyond];
      known = slots[corner] >= 0;
      const std::int64_t index = slots[corner] * voxels::kBlockVoxels + offset_in_block(voxel);
      known = known && surface_.weights[index] >= surface_.min_weight;
      cell.voxel[corner] = index;
      cell.value[corner] = known ? surface_.values[index] : 0;
    }
    return known;
  }

  const voxels::Surface& surface_;
  std::int64_t keys_[1 << 3 * kBits], last_slot_ = -1;
  std::int32_t slots_[1 << 3 * kBits];
  std::int32_t last_[3] = {voxels::kBlockLimit, 0, 0};  // no block has these coordinates
};

}  // namespace fastcv::FASTCV_ISA
