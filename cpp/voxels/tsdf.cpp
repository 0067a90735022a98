// SPDX-License-Identifier: Apache-2.0
// Splits blocks over threads, and finds new ones from coarse to fine: cubes of blocks are halved as long as a frame may
// have a surface in them.
#include "voxels/tsdf.h"

#include <array>
#include <bit>
#include <functional>
#include <numeric>
#include <vector>

#include "core/interrupt.h"
#include "core/parallel.h"

#define FASTCV_LEAF "voxels/tsdf.leaf.h"
#include "core/leaf.h"

namespace fastcv::voxels {
namespace {

void find_parts(const Fusion& fusion, const BlockNumber& low, int level, const std::int32_t* frames, std::int64_t count,
                std::uint64_t* parts) {
  FASTCV_DISPATCH(voxels::find_parts(fusion, low, level, frames, count, parts));
}
std::int32_t first_in_band(const Fusion& fusion, const std::int32_t* block, const std::int32_t* frames,
                           std::int64_t count) {
  FASTCV_DISPATCH(voxels::first_in_band(fusion, block, frames, count));
}
void integrate_group(const Fusion& fusion, const std::int32_t* blocks, int count, const std::int32_t* first_frames,
                     const BlockVoxels& voxels) {
  FASTCV_DISPATCH(voxels::integrate_group(fusion, blocks, count, first_frames, voxels));
}

struct Found {
  BlockNumber block;
  std::int32_t first_frame;
};

// A cube of blocks, and the frames that may have a surface in it.
struct Cube {
  BlockNumber low;
  std::vector<std::int32_t> frames;
};

class Search {
 public:
  Search(const Fusion& fusion, const BlockTable& table, std::int64_t limit, int num_threads)
      : fusion_(fusion), table_(table), limit_(limit), num_threads_(num_threads) {}

  std::vector<Found> run() {
    std::vector<std::int32_t> all(fusion_.frames.count);
    std::iota(all.begin(), all.end(), 0);
    const BlockNumber low{{-kBlockLimit, -kBlockLimit, -kBlockLimit}};
    for (int octant = 0; octant < 8; ++octant) visit({part_of(low, kBlockBits + 1, octant), all}, kBlockBits);
    search_cubes();
    return std::move(found_);
  }

 private:
  static constexpr int kTaskLevel = 2;         // cubes of 4^3 blocks are searched side by side,
  static constexpr std::size_t kTasks = 4096;  // so many at a time, which bounds the memory
  static_assert(kBlockBits % 2 == kTaskLevel % 2, "every step goes down two levels");

  // Calls visit(part) with those of a cube's 64 parts that may have a surface, in Morton order.
  template <class Visit>
  void for_each_part(const Cube& cube, int level, const Visit& visit) const {
    std::vector<std::uint64_t> parts(cube.frames.size());
    find_parts(fusion_, cube.low, level, cube.frames.data(), std::int64_t(parts.size()), parts.data());
    std::uint64_t left = std::accumulate(parts.begin(), parts.end(), std::uint64_t(0), std::bit_or<>());
    for (Cube part; left != 0; left &= left - 1) {
      const int number = std::countr_zero(left);
      part.low = part_of(part_of(cube.low, level, number >> 3), level - 1, number & 7);
      part.frames.clear();
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i] >> number & 1) part.frames.push_back(cube.frames[i]);
      }
      visit(part);
    }
  }
  void visit(const Cube& cube, int level) {
    poll_interrupt();
    if (static_cast<std::int64_t>(found_.size()) > limit_) return;
    if (level > kTaskLevel) return for_each_part(cube, level, [&](const Cube& part) { visit(part, level - 2); });
    cubes_.push_back(cube);
    if (cubes_.size() == kTasks) search_cubes();
  }
  void search_cubes() {
    std::vector<std::vector<Found>> found(cubes_.size());
    parallel_for(std::int64_t(cubes_.size()), kGrain, num_threads_, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        for_each_part(cubes_[i], kTaskLevel, [&](const Cube& part) { look_for(part, found[i]); });
      }
    });
    for (const auto& in_cube : found) found_.insert(found_.end(), in_cube.begin(), in_cube.end());
    cubes_.clear();
  }
  void look_for(const Cube& block, std::vector<Found>& found) const {
    if (generic::find_slot(table_, generic::block_key(block.low.zyx)) >= 0) return;
    const auto count = std::int64_t(block.frames.size());
    const std::int32_t first = first_in_band(fusion_, block.low.zyx, block.frames.data(), count);
    if (first >= 0) found.push_back({block.low, first});
  }

  static constexpr std::int64_t kGrain = 4;

  const Fusion& fusion_;
  const BlockTable& table_;
  std::int64_t limit_;
  int num_threads_;
  std::vector<Cube> cubes_;
  std::vector<Found> found_;
};

}  // namespace

std::int64_t find_blocks(const Fusion& fusion, const BlockTable& table, std::int64_t limit,
                         Rows<std::int32_t, 3> blocks, std::int32_t* first_frames, int num_threads) {
  const std::vector<Found> found = Search(fusion, table, limit, num_threads).run();
  const auto count = std::int64_t(found.size());
  for (std::int64_t i = 0; i < std::min(count, blocks.rows); ++i) {
    std::copy_n(found[i].block.zyx, 3, blocks[i]);
    first_frames[i] = found[i].first_frame;
  }
  return std::min(count, limit + 1);
}

void integrate(const Fusion& fusion, Rows<const std::int32_t, 3> blocks, View<const std::int32_t, 1> first_frames,
               const BlockVoxels& voxels, int num_threads) {
  const std::int64_t num_old = blocks.rows - first_frames.shape[0];
  parallel_for(blocks.rows, kGroup, num_threads, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::int32_t, kGroup> first{};
    for (std::int64_t i = std::max(begin, num_old); i < end; ++i) first[i - begin] = first_frames(i - num_old);
    integrate_group(fusion, blocks[begin], static_cast<int>(end - begin), first.data(), voxels.block(begin));
  });
}

bool insert_blocks(Rows<const std::int32_t, 3> blocks, std::int64_t begin, std::int64_t size, std::int64_t* keys,
                   std::int32_t* slots) {
  const BlockTable table{size, keys, slots};
  for (std::int64_t i = begin; i < blocks.rows; ++i) {
    const std::int64_t key = generic::block_key(blocks[i]);
    std::int64_t place = generic::first_place(table, key);
    while (keys[place] != kNoKey && keys[place] != key) place = (place + 1) & (size - 1);
    if (keys[place] == key) return false;
    keys[place] = key;
    slots[place] = static_cast<std::int32_t>(i);
  }
  return true;
}

}  // namespace fastcv::voxels
