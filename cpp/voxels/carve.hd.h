// SPDX-License-Identifier: Apache-2.0
// The votes of views on voxels: of a box at once, of the eight voxels of a block's row, and what is left of a block.
#pragma once

#include "voxels/depth_map.hd.h"
#include "voxels/silhouette.hd.h"

namespace fastcv::FASTCV_ISA {

struct Votes {
  std::int64_t seen = 0, violations = 0;
};

// What the votes decide whatever open ones will be: kEmpty, kFull, or kMixed for not yet.
template <class Views>
FASTCV_HD std::uint8_t decision(const voxels::CarvingBy<Views>& c, const Votes& votes, const Votes& open) {
  if (votes.violations > c.max_violations || votes.seen + open.seen < c.min_views) return voxels::kEmpty;
  const bool stays = votes.violations + open.violations <= c.max_violations && votes.seen >= c.min_views;
  return stays ? voxels::kFull : voxels::kMixed;
}

// A list of views; without numbers, that of the first `count`.
struct ViewList {
  const std::int32_t* numbers;
  std::int64_t count;
  FASTCV_HD std::int64_t operator[](std::int64_t i) const { return numbers ? numbers[i] : i; }
};

// Adds the votes of those views that vote alike on all of a box. The others' numbers go to `divided`, where it is not
// null, and their count to num_divided.
template <class Views>
FASTCV_HD std::uint8_t judge(const voxels::CarvingBy<Views>& c, const Box& box, const ViewList& views, Votes& votes,
                             std::int32_t* divided, std::int64_t& num_divided) {
  const std::uint32_t seeing = kBackground | kForeground;
  const std::uint32_t violating = kBackground | (c.outside_violates ? kUnseen : 0);
  Votes open;
  num_divided = 0;
  for (std::int64_t i = 0; i < views.count; ++i) {
    const std::int64_t view = views[i];
    const std::uint32_t may = sayings(view_of(c.views, view), box);
    const bool may_see = (may & seeing) != 0, may_violate = (may & violating) != 0;
    if ((may_see && (may & ~seeing)) || (may_violate && (may & ~violating))) {
      if (divided) divided[num_divided] = static_cast<std::int32_t>(view);
      ++num_divided;
      open.seen += may_see;
      open.violations += may_violate;
    } else {
      votes.seen += may_see;
      votes.violations += may_violate;
      if (votes.violations > c.max_violations) return voxels::kEmpty;
    }
  }
  return decision(c, votes, open);
}

// The block with this number, of those in raster order, clipped to the grid.
template <class Views>
FASTCV_HD Box block_box(const voxels::CarvingBy<Views>& c, std::int64_t block) {
  const std::int64_t along_x = c.blocks_along(2), along_y = c.blocks_along(1);
  const std::int64_t first[3] = {block / along_x / along_y, block / along_x % along_y, block % along_x};
  Box box{};
  for (int axis = 0; axis < 3; ++axis) {
    box.low[axis] = first[axis] * voxels::kBlock;
    const std::int64_t end = box.low[axis] + voxels::kBlock;
    box.high[axis] = end < c.shape[axis] ? end : c.shape[axis];
  }
  return box;
}

// Bits of the voxels of a row of a block that lie in the grid, x = 0 lowest; row = 8 z + y.
FASTCV_HD std::uint8_t row_in_grid(const Box& box, int row) {
  const bool inside =
      box.low[0] + row / voxels::kBlock < box.high[0] && box.low[1] + row % voxels::kBlock < box.high[1];
  return static_cast<std::uint8_t>(inside ? (1 << (box.high[2] - box.low[2])) - 1 : 0);
}

// Eight voxels at a time: kColumns along x, the rest along y, from the one at (x, y, z) on.
constexpr int kEight = 8;

// Bits of those that stay, where `votes` are those of views that are not in the list. `last` becomes the place in the
// list of the view that left none of them, or its end.
template <class D, int kColumns, class Views>
FASTCV_HD std::uint32_t carve_eight(const voxels::CarvingBy<Views>& c, double x, double y, double z,
                                    const ViewList& views, const Votes& votes, std::int64_t& last) {
  constexpr int kStep = DoubleLanes<D>::kCount, kParts = kEight / kStep;
  using Int = Int32Of<D>;
  Int seen[kParts], violations[kParts];
  FASTCV_UNROLL
  for (int part = 0; part < kParts; ++part) {
    seen[part] = Int{} + static_cast<std::int32_t>(votes.seen);
    violations[part] = Int{} + static_cast<std::int32_t>(votes.violations);
  }
  for (last = 0; last < views.count; ++last) {
    const auto view = view_of(c.views, views[last]);
    Int remain{};
    FASTCV_UNROLL
    for (int part = 0; part < kParts; ++part) {
      const Saying<Int> saying = look<D, kColumns>(view, x, y, z, part * kStep, c.outside_violates);
      seen[part] += saying.sees;
      violations[part] += saying.violates;
      remain |= at_most(violations[part], c.max_violations);
    }
    if (bits_set(remain) == 0) return 0;
  }
  std::uint32_t stay = 0;
  FASTCV_UNROLL
  for (int part = 0; part < kParts; ++part) {
    const Int stays = at_most(violations[part], c.max_violations) & (1 - at_most(seen[part], c.min_views - 1));
    stay |= bits_set(stays) << (part * kStep);
  }
  return stay;
}

// What the rows of a block say of it: kEmpty, kFull or kMixed.
FASTCV_HD std::uint8_t block_state(const Box& box, const std::uint8_t* rows) {
  bool empty = true, full = true;
  for (int row = 0; row < voxels::kRows; ++row) {
    empty &= rows[row] == 0;
    full &= rows[row] == row_in_grid(box, row);
  }
  return empty ? voxels::kEmpty : full ? voxels::kFull : voxels::kMixed;
}

// One block each, as a GPU does it.
template <class Views>
struct ClassifyBlock {
  voxels::CarvingBy<Views> carving;
  std::uint8_t* states;
  FASTCV_HD void operator()(std::int64_t block) const {
    Votes votes;
    std::int64_t num_divided;
    const ViewList all{nullptr, carving.views.count};
    states[block] = judge(carving, block_box(carving, block), all, votes, nullptr, num_divided);
  }
};
template <class Views>
struct CarveRow {
  voxels::CarvingBy<Views> carving;
  const std::int64_t* blocks;
  std::uint8_t* bits;
  FASTCV_HD void operator()(std::int64_t i) const {
    const Box box = block_box(carving, blocks[i / voxels::kRows]);
    const int row = static_cast<int>(i % voxels::kRows);
    const double x = double(box.low[2]) + 0.5, y = double(box.low[1] + row % voxels::kBlock) + 0.5;
    const double z = double(box.low[0] + row / voxels::kBlock) + 0.5;
    std::int64_t last;
    const ViewList all{nullptr, carving.views.count};
    const std::uint32_t stay = carve_eight<double, voxels::kBlock>(carving, x, y, z, all, {}, last);
    bits[i] = static_cast<std::uint8_t>(stay & row_in_grid(box, row));
  }
};
template <class Views>
struct SettleBlock {
  voxels::CarvingBy<Views> carving;
  const std::int64_t* blocks;
  const std::uint8_t* bits;
  std::uint8_t* states;
  FASTCV_HD void operator()(std::int64_t i) const {
    states[i] = block_state(block_box(carving, blocks[i]), bits + i * voxels::kRows);
  }
};

}  // namespace fastcv::FASTCV_ISA
