// SPDX-License-Identifier: Apache-2.0
// One cell, word or node of an occupancy grid.
#pragma once

#include "nerf/occupancy.h"
#include "nerf/uniform.hd.h"

namespace fastcv::FASTCV_ISA {

// Where a cell's word and node are: the number of the node in its level, of the word in the node, of the bit.
struct CellAddress {
  std::int64_t node;
  int word, bit;
};
FASTCV_HD CellAddress cell_address(const nerf::OccupancyGrid& grid, int x, int y, int z) {
  const std::int64_t side = grid.side_of_nodes();
  return {((z >> 4) * side + (y >> 4)) * side + (x >> 4), (z & 12) << 2 | (y & 12) | (x & 12) >> 2,
          (z & 3) << 4 | (y & 3) << 2 | (x & 3)};
}

// The largest cube of cells around a cell that is known to be empty, or to be set.
struct Cube {
  bool occupied;
  int log_side;  // it begins at multiples of its side
};
FASTCV_HD Cube cube_around(const nerf::OccupancyGrid& grid, int level, int x, int y, int z) {
  const CellAddress at = cell_address(grid, x, y, z);
  const std::int64_t node = level * grid.nodes_per_level() + at.node;
  // Without branches, which no processor could foresee.
  const std::uint64_t some = grid.nodes[node], word = grid.words[64 * node + at.word];
  const int side_of_one_kind = some == 0 ? 4 : 2;
  return {(word >> at.bit & 1) != 0, word + 1 <= 1 ? side_of_one_kind : 0};
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
      int cell[3];
      for (int axis = 0; axis < 3; ++axis) cell[axis] = static_cast<int>(8 * (at[axis] - quarter) + 4 * half[axis]);
      const CellAddress finer = cell_address(grid, cell[0], cell[1], cell[2]);
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
