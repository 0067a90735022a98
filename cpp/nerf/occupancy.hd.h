// SPDX-License-Identifier: Apache-2.0
// One cell, word or node of an occupancy grid.
#pragma once

#include "core/lanes.hd.h"
#include "nerf/occupancy.h"
#include "nerf/uniform.hd.h"

namespace fastcv::FASTCV_ISA {

// Where cells' words and nodes are: numbers of the node in its level, of the word in the node, of the bit.
template <class Int>
struct CellAddress {
  Int node, word, bit;
};
template <class Int>
FASTCV_HD CellAddress<Int> cell_address(const nerf::OccupancyGrid& grid, const Int (&cell)[3]) {
  const Int &x = cell[0], &y = cell[1], &z = cell[2];
  const auto side = static_cast<std::int32_t>(grid.side_of_nodes());
  return {((z >> 4) * side + (y >> 4)) * side + (x >> 4), (z & 12) << 2 | (y & 12) | (x & 12) >> 2,
          (z & 3) << 4 | (y & 3) << 2 | (x & 3)};
}

// The low and the high half of 64 bits.
template <class Int>
struct Halves {
  Int low, high;
  FASTCV_HD Int bit(Int i) const { return select((i & 32) == Int{}, low, high) >> (i & 31) & 1; }
};
FASTCV_HD Halves<std::int32_t> read_halves(const std::uint64_t* base, std::int32_t index) {
  const std::uint64_t bits = base[index];
  return {static_cast<std::int32_t>(bits), static_cast<std::int32_t>(bits >> 32)};
}
#ifndef __CUDACC__
FASTCV_HD Halves<Ints> read_halves(const std::uint64_t* base, Ints index) {
  const auto* halves = reinterpret_cast<const std::int32_t*>(base);
  return {gather<2>(halves, index), gather<2>(halves + 1, index)};
}
#endif

// The largest cubes of cells around cells that are known to be empty, or to be set.
template <class F>
struct Cube {
  MaskOf<F> occupied;
  IntOf<F> corner_bits;  // a coordinate's bits that its cube's corner has: all but the low 0, 2 or 4
};
template <class F>
FASTCV_HD Cube<F> cube_around(const nerf::OccupancyGrid& grid, IntOf<F> level, const IntOf<F> (&cell)[3]) {
  using Int = IntOf<F>;
  const CellAddress<Int> at = cell_address(grid, cell);
  const Int node = level * static_cast<std::int32_t>(grid.nodes_per_level()) + at.node;
  // Without branches, which no processor could foresee.
  const Halves<Int> some = read_halves(grid.nodes, node), word = read_halves(grid.words, 64 * node + at.word);
  const auto one_kind = ((word.low | word.high) == Int{}) | ((word.low & word.high) == Int{} - 1);
  const Int whole = select((some.low | some.high) == Int{}, Int{} - 16, Int{} - 4);
  return {word.bit(at.bit) != Int{}, select(one_kind, whole, Int{} - 1)};
}

struct CellPoint {
  nerf::OccupancyGrid grid;
  nerf::CellPoints cells;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t cell = cells.cells[i], side = grid.resolution;
    const Philox4 words = random_words(cells.seed, Purpose::cells, cells.step, cell);
    const std::int64_t corner[3] = {cell % side, cell / side % side, cell / (side * side) % side};
    const auto scale = static_cast<float>(1 << (cell / grid.cells_per_level()));
    for (int axis = 0; axis < 3; ++axis) {
      const float from_center = static_cast<float>(corner[axis] - side / 2) + uniform(words.v[axis]);
      cells.points[3 * i + axis] = grid.center[axis] + from_center * scale / grid.cells_per_length[axis];
    }
  }
};

// Bits of 2 x 2 x 2 cells from those of 4 x 4 x 4: bit 16 z + 4 y + x of the result, each in {0, 1}.
FASTCV_HD std::uint64_t pool(std::uint64_t word) {
  word |= word >> 1;
  word |= word >> 4;
  word |= word >> 16;
  std::uint64_t result = 0;
  for (int i = 0; i < 8; ++i) {
    const int x = i & 1, y = i >> 1 & 1, z = i >> 2;
    result |= (word >> (32 * z + 8 * y + 2 * x) & 1) << (16 * z + 4 * y + x);
  }
  return result;
}

// Word i of a level, once the finer level has its words.
struct PackWord {
  nerf::OccupancyGrid grid;
  nerf::OccupancyBits bits;
  int level;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t node = i / 64, side = grid.side_of_nodes(), resolution = grid.resolution;
    const int child = static_cast<int>(i % 64);
    const std::int64_t at[3] = {4 * (node % side) + (child & 3), 4 * (node / side % side) + (child >> 2 & 3),
                                4 * (node / (side * side)) + (child >> 4)};  // in words
    const float threshold = *bits.threshold;
    const float* density = bits.density + level * grid.cells_per_level();
    std::uint64_t word = pooled(at);
    for (int row = 0; row < 16; ++row) {
      const float* cells =
          density + ((4 * at[2] + row / 4) * resolution + 4 * at[1] + row % 4) * resolution + 4 * at[0];
      for (int x = 0; x < 4; ++x) word |= std::uint64_t(cells[x] > threshold) << (4 * row + x);
    }
    bits.words[64 * level * grid.nodes_per_level() + i] = word;
  }

 private:
  // Those of the finer level, which covers the middle half of this one.
  FASTCV_HD std::uint64_t pooled(const std::int64_t (&at)[3]) const {
    const std::int64_t quarter = grid.resolution / 16;  // in words
    std::uint64_t word = 0;
    for (const std::int64_t w : at) {
      if (level == 0 || w < quarter || w >= 3 * quarter) return 0;
    }
    for (int i = 0; i < 8; ++i) {
      const int half[3] = {i & 1, i >> 1 & 1, i >> 2};
      std::int32_t cell[3];
      for (int axis = 0; axis < 3; ++axis) {
        cell[axis] = static_cast<std::int32_t>(8 * (at[axis] - quarter) + 4 * half[axis]);
      }
      const CellAddress<std::int32_t> finer = cell_address(grid, cell);
      const std::int64_t index = 64 * ((level - 1) * grid.nodes_per_level() + finer.node) + finer.word;
      word |= pool(bits.words[index]) << (32 * half[2] + 8 * half[1] + 2 * half[0]);
    }
    return word;
  }
};

// Node i of all levels, once its words are there.
struct PackNode {
  nerf::OccupancyBits bits;

  FASTCV_HD void operator()(std::int64_t i) const {
    std::uint64_t node = 0;
    for (int child = 0; child < 64; ++child) node |= std::uint64_t(bits.words[64 * i + child] != 0) << child;
    bits.nodes[i] = node;
  }
};

// What no camera sees, and what is empty for lack of any view, has no say in the mean.
FASTCV_HD bool is_seen(float density) { return density >= 0; }
FASTCV_HD float occupancy_threshold(double sum, double count, float limit) {
  const double mean = count > 0 ? sum / count : 0.0;
  return mean < limit ? static_cast<float>(mean) : limit;
}

}  // namespace fastcv::FASTCV_ISA
