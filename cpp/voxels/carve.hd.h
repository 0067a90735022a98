// SPDX-License-Identifier: Apache-2.0
// The votes of views on voxels: of a box at once, of the eight voxels of a block's row, and what is left of a block.
#pragma once

#include "voxels/silhouette.hd.h"

namespace fastcv::FASTCV_ISA {

struct Votes {
  std::int64_t seen = 0, violations = 0;
};

// What the votes decide whatever `open` more views will say: kEmpty, kFull, or kMixed for not yet.
FASTCV_HD std::uint8_t decision(const voxels::Carving& c, const Votes& votes, std::int64_t open) {
  if (votes.violations > c.max_violations || votes.seen + open < c.min_views) return voxels::kEmpty;
  const bool stays = votes.violations + open <= c.max_violations && votes.seen >= c.min_views;
  return stays ? voxels::kFull : voxels::kMixed;
}

// A list of views; without numbers, that of the first `count`.
struct ViewList {
  const std::int32_t* numbers;
  std::int64_t count;
  FASTCV_HD std::int64_t operator[](std::int64_t i) const { return numbers ? numbers[i] : i; }
};

// Adds the votes of those views that agree on a box. The others' numbers go to `divided`, where it is not null, and
// their count to num_divided.
FASTCV_HD std::uint8_t judge(const voxels::Carving& c, const Box& box, const ViewList& views, Votes& votes,
                             std::int32_t* divided, std::int64_t& num_divided) {
  num_divided = 0;
  for (std::int64_t i = 0; i < views.count; ++i) {
    const std::int64_t view = views[i];
    const Verdict v = verdict(silhouette(c.silhouettes, view), box);
    if (v == Verdict::kDivided) {
      if (divided) divided[num_divided] = static_cast<std::int32_t>(view);
      ++num_divided;
    } else {
      votes.seen += v != Verdict::kOutside;
      votes.violations += v == Verdict::kOutside ? c.outside_violates : v == Verdict::kBackground;
      if (votes.violations > c.max_violations) return voxels::kEmpty;
    }
  }
  return decision(c, votes, num_divided);
}

// The block with this number, of those in raster order, clipped to the grid.
FASTCV_HD Box block_box(const voxels::Carving& c, std::int64_t block) {
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

// The words of a view that those in lanes i and up fall into, each moved so that its pixel's bits come first.
template <class D, int kColumns>
FASTCV_HD Int32Of<D> look(const Silhouette& s, double x, double y, double z, int i) {
  const double* m = s.image_from_voxel;
  const double xw = m[2] * z + m[3], yw = m[6] * z + m[7], w = m[10] * z + m[11];
  const D px = x + lane_columns(D(), i, kColumns), py = y + lane_rows(D(), i, kColumns);
  const Pixel<D> pixel =
      pixel_at<D>(s, m[0] * px + (m[1] * py + xw), m[4] * px + (m[5] * py + yw), m[8] * px + (m[9] * py + w));
  return shifted_right(gather(s.words, pixel.word), pixel.bit);
}

// Bits of those that stay, where `votes` are those of views that are not in the list. `last` becomes the place in the
// list of the view that left none of them, or its end.
template <class D, int kColumns>
FASTCV_HD std::uint32_t carve_eight(const voxels::Carving& c, double x, double y, double z, const ViewList& views,
                                    const Votes& votes, std::int64_t& last) {
  constexpr int kStep = DoubleLanes<D>::kCount, kParts = kEight / kStep;
  using Int = Int32Of<D>;
  Int seen[kParts], violations[kParts];
  FASTCV_UNROLL
  for (int part = 0; part < kParts; ++part) {
    seen[part] = Int{} + static_cast<std::int32_t>(votes.seen);
    violations[part] = Int{} + static_cast<std::int32_t>(votes.violations);
  }
  for (last = 0; last < views.count; ++last) {
    const Silhouette s = silhouette(c.silhouettes, views[last]);
    Int remain{};
    FASTCV_UNROLL
    for (int part = 0; part < kParts; ++part) {
      const Int kind = look<D, kColumns>(s, x, y, z, part * kStep);
      const Int shows = kind & 1, sees = (kind >> 16) & 1;
      seen[part] += sees;
      violations[part] += (sees - shows) + (1 - sees) * c.outside_violates;
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
struct ClassifyBlock {
  voxels::Carving carving;
  std::uint8_t* states;
  FASTCV_HD void operator()(std::int64_t block) const {
    Votes votes;
    std::int64_t num_divided;
    const ViewList all{nullptr, carving.silhouettes.count};
    states[block] = judge(carving, block_box(carving, block), all, votes, nullptr, num_divided);
  }
};
struct CarveRow {
  voxels::Carving carving;
  const std::int64_t* blocks;
  std::uint8_t* bits;
  FASTCV_HD void operator()(std::int64_t i) const {
    const Box box = block_box(carving, blocks[i / voxels::kRows]);
    const int row = static_cast<int>(i % voxels::kRows);
    const double x = double(box.low[2]) + 0.5, y = double(box.low[1] + row % voxels::kBlock) + 0.5;
    const double z = double(box.low[0] + row / voxels::kBlock) + 0.5;
    std::int64_t last;
    const ViewList all{nullptr, carving.silhouettes.count};
    const std::uint32_t stay = carve_eight<double, voxels::kBlock>(carving, x, y, z, all, {}, last);
    bits[i] = static_cast<std::uint8_t>(stay & row_in_grid(box, row));
  }
};
struct SettleBlock {
  voxels::Carving carving;
  const std::int64_t* blocks;
  const std::uint8_t* bits;
  std::uint8_t* states;
  FASTCV_HD void operator()(std::int64_t i) const {
    states[i] = block_state(block_box(carving, blocks[i]), bits + i * voxels::kRows);
  }
};

}  // namespace fastcv::FASTCV_ISA
