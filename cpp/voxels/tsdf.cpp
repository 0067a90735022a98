// SPDX-License-Identifier: Apache-2.0
// Splits blocks over threads, and finds new ones from coarse to fine: cubes of blocks are halved as long as a frame may
// have a surface in them.
#include "voxels/tsdf.h"

#include <array>
#include <numeric>
#include <vector>

#include "core/interrupt.h"
#include "core/parallel.h"

#define FASTCV_LEAF "voxels/tsdf.leaf.h"
#include "core/leaf.h"

namespace fastcv::voxels {
namespace {

std::int64_t select_frames(const Fusion& fusion, const std::int32_t* low, std::int64_t side, const std::int32_t* frames,
                           std::int64_t count, std::int32_t* selected) {
  FASTCV_DISPATCH(voxels::select_frames(fusion, low, side, frames, count, selected));
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

// A cube of blocks, 2^level a side, and the frames that may have a surface in it.
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
    visit({{-kBlockLimit, -kBlockLimit, -kBlockLimit}}, kBlockBits + 1, all);
    search_cubes();
    return std::move(found_);
  }

 private:
  static constexpr int kTaskLevel = 3;         // cubes of this level are searched side by side,
  static constexpr std::size_t kTasks = 4096;  // so many at a time, which bounds the memory

  void visit(const BlockNumber& low, int level, const std::vector<std::int32_t>& frames) {
    poll_interrupt();
    if (full()) return;
    std::vector<std::int32_t> selected(frames.size());
    const std::int64_t side = std::int64_t(1) << level;
    selected.resize(select_frames(fusion_, low.zyx, side, frames.data(), std::int64_t(frames.size()), selected.data()));
    if (selected.empty()) return;
    if (level == kTaskLevel) {
      cubes_.push_back({low, std::move(selected)});
      if (cubes_.size() == kTasks) search_cubes();
      return;
    }
    for (int part = 0; part < 8; ++part) visit(part_of(low, level, part), level - 1, selected);
  }
  bool full() const { return static_cast<std::int64_t>(found_.size()) > limit_; }

  void search_cubes() {
    std::vector<std::vector<Found>> found(cubes_.size());
    parallel_for(std::int64_t(cubes_.size()), 1, num_threads_, [&](std::int64_t i, std::int64_t) {
      std::vector<std::int32_t> scratch(kTaskLevel * cubes_[i].frames.size());
      search(cubes_[i].low, kTaskLevel, cubes_[i].frames.data(), std::int64_t(cubes_[i].frames.size()), scratch.data(),
             found[i]);
    });
    for (const auto& in_cube : found) found_.insert(found_.end(), in_cube.begin(), in_cube.end());
    cubes_.clear();
  }
  // `frames` may have a surface in the cube. scratch: room for them once a level.
  void search(const BlockNumber& low, int level, const std::int32_t* frames, std::int64_t count, std::int32_t* scratch,
              std::vector<Found>& found) const {
    if (level == 0) {
      const std::int32_t first = first_in_band(fusion_, low.zyx, frames, count);
      if (first >= 0) found.push_back({low, first});
      return;
    }
    for (int part = 0; part < 8; ++part) {
      const BlockNumber child = part_of(low, level, part);
      if (level == 1 && generic::find_slot(table_, generic::block_key(child.zyx)) >= 0) continue;
      const std::int64_t side = std::int64_t(1) << (level - 1);
      const std::int64_t selected = select_frames(fusion_, child.zyx, side, frames, count, scratch);
      if (selected > 0) search(child, level - 1, scratch, selected, scratch + count, found);
    }
  }

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
