// SPDX-License-Identifier: Apache-2.0
// Which cells of nested grids are not empty: level k covers the box scaled by 2^k about its centre. Source: Mueller et
// al. 2022, "Instant neural graphics primitives with a multiresolution hash encoding", appendix C.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::nerf {

inline constexpr int kWordSide = 4, kNodeSide = 16;  // cells along a side of 64 bits, and of 64 words
inline constexpr int kMaxOccupancyLevels = 16;

// Cells are numbered (level, z, y, x). A bit of a word is a cell (bit 16 z + 4 y + x), a bit of a node is one of its
// words, which follow each other in memory: whether any of its cells is set.
struct OccupancyGrid {
  std::int32_t resolution, levels;       // cells along a side, a multiple of kNodeSide
  float center[3], cells_per_length[3];  // of the box; level 0
  const std::uint64_t *nodes, *words;    // levels * (resolution / 16)^3; 64 times as many
  FASTCV_HD std::int64_t side_of_nodes() const { return resolution / kNodeSide; }
  FASTCV_HD std::int64_t nodes_per_level() const { return side_of_nodes() * side_of_nodes() * side_of_nodes(); }
  FASTCV_HD std::int64_t cells_per_level() const { return std::int64_t(resolution) * resolution * resolution; }
};

// Where densities are looked at: a random point in each of some cells, the same for a (seed, step, cell) always.
struct CellPoints {
  const std::int64_t* cells;
  std::int64_t count;
  std::uint64_t seed;
  std::int64_t step;
  float* points;  // (count, 3), world
};

// The bits of densities (levels, resolution^3). -infinity marks cells that no camera sees.
struct OccupancyBits {
  const float* density;
  float limit;
  float* threshold;  // one number, written: the mean of what is seen, or the limit where that is less
  std::uint64_t *nodes, *words;
};

// num_threads 0 means the default; no result depends on it.
void occupancy_points(const OccupancyGrid& grid, const CellPoints& cells, int num_threads);

// A cell is set where its density is above the threshold, or where any cell of a finer level inside it is set.
void occupancy_pack(const OccupancyGrid& grid, const OccupancyBits& bits, int num_threads);

}  // namespace fastcv::nerf
