// SPDX-License-Identifier: Apache-2.0
// Finds the blocks around each of many through a hash table with open addressing.
#include "voxels/block_neighbors.h"

#include <vector>

#include "core/parallel.h"

namespace fastcv::voxels {
namespace {

constexpr int kNeighbors = 27, kCenter = 13;

class BlockTable {
 public:
  explicit BlockTable(View<const std::int32_t, 2> blocks) : blocks_(blocks) {
    std::uint64_t size = 16;
    while (size < 2 * static_cast<std::uint64_t>(blocks.shape[0])) size *= 2;
    slots_.assign(size, -1);
  }
  // False where a block with the same coordinates is there.
  bool insert(std::int64_t block) {
    const std::int32_t* c = &blocks_(block, 0);
    std::int64_t& slot = slots_[find_slot(c[0], c[1], c[2])];
    if (slot >= 0) return false;
    slot = block;
    return true;
  }
  std::int64_t find(std::int64_t z, std::int64_t y, std::int64_t x) const { return slots_[find_slot(z, y, x)]; }

 private:
  // Where a block with these coordinates is, or would go.
  std::size_t find_slot(std::int64_t z, std::int64_t y, std::int64_t x) const {
    // Odd constants of 64 bits; the upper half of the last product depends on all of the coordinates.
    auto hash = static_cast<std::uint64_t>(z) * 0x9e3779b97f4a7c15ULL;
    hash = (hash ^ static_cast<std::uint64_t>(y)) * 0xbf58476d1ce4e5b9ULL;
    hash = (hash ^ static_cast<std::uint64_t>(x)) * 0x94d049bb133111ebULL;
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = (hash >> 32) & mask;
    while (slots_[slot] >= 0 && !is_at(slots_[slot], z, y, x)) slot = (slot + 1) & mask;
    return slot;
  }
  bool is_at(std::int64_t block, std::int64_t z, std::int64_t y, std::int64_t x) const {
    const std::int32_t* c = &blocks_(block, 0);
    return c[0] == z && c[1] == y && c[2] == x;
  }

  View<const std::int32_t, 2> blocks_;
  std::vector<std::int64_t> slots_;
};

}  // namespace

bool block_neighbors(View<const std::int32_t, 2> blocks, std::int32_t* neighbors, int num_threads) {
  const std::int64_t count = blocks.shape[0];
  BlockTable table(blocks);
  for (std::int64_t block = 0; block < count; ++block) {
    if (!table.insert(block)) return false;
  }
  constexpr std::int64_t kGrain = 1024;
  parallel_for(count, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t z = blocks(block, 0), y = blocks(block, 1), x = blocks(block, 2);
      neighbors[block * kNeighbors + kCenter] = static_cast<std::int32_t>(block);
      // The others stand on both sides of a pair, so that half of them need no look into the table.
      for (int k = kCenter + 1; k < kNeighbors; ++k) {
        const std::int64_t other = table.find(z + k / 9 - 1, y + k / 3 % 3 - 1, x + k % 3 - 1);
        neighbors[block * kNeighbors + k] = static_cast<std::int32_t>(other);
      }
    }
  });
  parallel_for(count, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      for (int k = kCenter + 1; k < kNeighbors; ++k) {
        const std::int64_t other = neighbors[block * kNeighbors + k];
        if (other >= 0) neighbors[other * kNeighbors + kNeighbors - 1 - k] = static_cast<std::int32_t>(block);
      }
    }
  });
  return true;
}

}  // namespace fastcv::voxels
