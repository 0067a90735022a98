// SPDX-License-Identifier: Apache-2.0
// Carving from coarse to fine, compiled once per instruction set: a view that agrees on a box votes once for all of it,
// and only the others are asked about its parts.
#include "voxels/carve.hd.h"
#include "voxels/roots.h"
// The declarations come after what they mention.
#include "voxels/carve.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {
namespace {

using namespace fastcv::voxels;

// A cube of 2^level blocks a side, clipped to the grid.
struct Cube {
  std::int64_t first[3];
  int level;
};

template <class Views>
struct Classification {
  const CarvingBy<Views>& carving;
  std::uint8_t* states;

  // False where nothing of the cube lies in the grid.
  bool clip(const Cube& cube, Box& box) const {
    for (int axis = 0; axis < 3; ++axis) {
      box.low[axis] = cube.first[axis] * kBlock;
      const std::int64_t end = box.low[axis] + (std::int64_t(kBlock) << cube.level);
      box.high[axis] = end < carving.shape[axis] ? end : carving.shape[axis];
      if (box.low[axis] >= box.high[axis]) return false;
    }
    return true;
  }
  void fill(const Box& box, std::uint8_t state) const {
    const std::int64_t along_y = carving.blocks_along(1), along_x = carving.blocks_along(2);
    for (std::int64_t z = box.low[0] / kBlock; z * kBlock < box.high[0]; ++z) {
      for (std::int64_t y = box.low[1] / kBlock; y * kBlock < box.high[1]; ++y) {
        std::uint8_t* row = states + (z * along_y + y) * along_x;
        for (std::int64_t x = box.low[2] / kBlock; x * kBlock < box.high[2]; ++x) row[x] = state;
      }
    }
  }
  void visit(const Cube& cube, const ViewList& views, Votes votes, std::int32_t* scratch) const {
    Box box;
    if (!clip(cube, box)) return;
    std::int64_t num_divided;
    const std::uint8_t state = judge(carving, box, views, votes, scratch, num_divided);
    if (state != kMixed || cube.level == 0) return fill(box, state);
    const std::int64_t half = std::int64_t(1) << (cube.level - 1);
    for (int part = 0; part < 8; ++part) {
      const Cube child{{cube.first[0] + (part >> 2) * half, cube.first[1] + (part >> 1 & 1) * half,
                        cube.first[2] + (part & 1) * half},
                       cube.level - 1};
      visit(child, {scratch, num_divided}, votes, scratch + carving.views.count);
    }
  }
};

constexpr int kPart = 4;  // voxels along the side of an eighth of a block

// An eighth of a block from its first voxel on, as half bytes of the rows.
template <class Views>
struct Part {
  const CarvingBy<Views>& carving;
  Box box;
  int first_row, shift;
  std::uint8_t* bits;

  void add(int row, std::uint32_t voxels) const {
    bits[first_row + row] = static_cast<std::uint8_t>(bits[first_row + row] | (voxels & 15U) << shift);
  }
  void fill() const {
    for (int z = 0; z < kPart; ++z) {
      for (int y = 0; y < kPart; ++y) add(z * kBlock + y, 15);
    }
  }
  void carve(std::int32_t* views, std::int64_t count, const Votes& votes) const {
    const double x = double(box.low[2]) + 0.5;
    for (int i = 0; i < kPart * kPart; i += kEight / kPart) {
      const int z = i / kPart, y = i % kPart;
      std::int64_t last;
      const std::uint32_t stay = carve_eight<Doubles, kPart>(carving, x, double(box.low[1] + y) + 0.5,
                                                             double(box.low[0] + z) + 0.5, {views, count}, votes, last);
      add(z * kBlock + y, stay);
      add(z * kBlock + y + 1, stay >> kPart);
      // What left none of these is likely to leave none of the next.
      if (last < count) {
        const std::int32_t view = views[last];
        views[last] = views[0];
        views[0] = view;
      }
    }
  }
};

template <class Views>
void carve_parts(const CarvingBy<Views>& carving, const Box& block, const ViewList& views, const Votes& block_votes,
                 std::int32_t* scratch, std::uint8_t* bits) {
  for (int part = 0; part < 8; ++part) {
    const int offset[3] = {(part >> 2) * kPart, (part >> 1 & 1) * kPart, (part & 1) * kPart};
    Part<Views> p{carving, block, offset[0] * kBlock + offset[1], offset[2], bits};
    bool inside = true;
    for (int axis = 0; axis < 3; ++axis) {
      p.box.low[axis] += offset[axis];
      const std::int64_t end = p.box.low[axis] + kPart;
      p.box.high[axis] = end < block.high[axis] ? end : block.high[axis];
      inside &= p.box.low[axis] < block.high[axis];
    }
    if (!inside) continue;
    Votes votes = block_votes;
    std::int64_t num_divided;
    const std::uint8_t decided = judge(carving, p.box, views, votes, scratch, num_divided);
    if (decided == kFull) p.fill();
    if (decided == kMixed) p.carve(scratch, num_divided, votes);
  }
}

template <class Views>
void classify(const CarvingBy<Views>& carving, std::int64_t root, std::int32_t* scratch, std::uint8_t* states) {
  const std::int64_t y = roots_along(carving, 1), x = roots_along(carving, 2);
  const Cube cube{{root / x / y * kRootBlocks, root / x % y * kRootBlocks, root % x * kRootBlocks}, kLevels - 1};
  Classification<Views>{carving, states}.visit(cube, {nullptr, carving.views.count}, {}, scratch);
}

template <class Views>
void carve(const CarvingBy<Views>& carving, std::int64_t block, std::int32_t* scratch, std::uint8_t* bits,
           std::uint8_t* state) {
  const Box box = block_box(carving, block);
  Votes votes;
  std::int64_t num_divided;
  const ViewList all{nullptr, carving.views.count};
  const std::uint8_t decided = judge(carving, box, all, votes, scratch, num_divided);
  for (int row = 0; row < kRows; ++row) bits[row] = decided == kFull ? 255 : 0;
  if (decided == kMixed) {
    carve_parts(carving, box, {scratch, num_divided}, votes, scratch + carving.views.count, bits);
  }
  for (int row = 0; row < kRows; ++row) bits[row] &= row_in_grid(box, row);
  *state = block_state(box, bits);
}

}  // namespace

void classify_root(const Carving& carving, std::int64_t root, std::int32_t* scratch, std::uint8_t* states) {
  classify(carving, root, scratch, states);
}
void classify_root(const DepthCarving& carving, std::int64_t root, std::int32_t* scratch, std::uint8_t* states) {
  classify(carving, root, scratch, states);
}
void carve_block(const Carving& carving, std::int64_t block, std::int32_t* scratch, std::uint8_t* bits,
                 std::uint8_t* state) {
  carve(carving, block, scratch, bits, state);
}
void carve_block(const DepthCarving& carving, std::int64_t block, std::int32_t* scratch, std::uint8_t* bits,
                 std::uint8_t* state) {
  carve(carving, block, scratch, bits, state);
}

}  // namespace fastcv::FASTCV_ISA::voxels
