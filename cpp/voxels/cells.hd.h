// SPDX-License-Identifier: Apache-2.0
// Which samples are inside, which cells and edges the surface crosses, and how many vertices and triangles that makes.
#pragma once

#include <cfloat>

#include "voxels/layers.hd.h"
// Declares what the layers are counted into.
#include "voxels/marching_cubes.h"

namespace fastcv::FASTCV_ISA {

struct RowSigns {
  std::uint8_t inside, known;
};

// Of the samples of a block's row, x = 0 the lowest bit; row = 8 z + y.
FASTCV_HD RowSigns row_signs(const voxels::Samples& s, std::int64_t block, int row) {
  const int z = row / voxels::kBlock, y = row % voxels::kBlock;
  const voxels::BlockPosition at = s.position(block);
  int count = voxels::kBlock;
  if (!s.blocks) {
    const std::int64_t left = s.shape[2] - at.x * voxels::kBlock;
    const bool in_grid = at.z * voxels::kBlock + z < s.shape[0] && at.y * voxels::kBlock + y < s.shape[1];
    count = !in_grid ? 0 : left < count ? static_cast<int>(left) : count;
  }
  const std::int64_t place = s.first(block, at) + z * s.layer_stride() + y * s.row_stride();
  std::uint32_t inside = 0, known = 0;
  for (int x = 0; x < count; ++x) {
    const float value = s.values[place + x];
    const bool is_known = value >= -FLT_MAX && value <= FLT_MAX && (!s.valid || s.valid[place + x]);
    known |= std::uint32_t(is_known) << x;
    inside |= std::uint32_t(is_known && value < s.level) << x;
  }
  return {static_cast<std::uint8_t>(inside), static_cast<std::uint8_t>(known)};
}

FASTCV_HD std::uint8_t block_signs(const voxels::Signs& signs, std::int64_t block) {
  std::uint64_t inside = 0, outside = 0;
  for (int z = 0; z < voxels::kBlock; ++z) {
    const std::uint64_t word = signs.inside[block * voxels::kBlock + z];
    inside |= word;
    outside |= signs.known[block * voxels::kBlock + z] & ~word;
  }
  return static_cast<std::uint8_t>((inside ? voxels::kHasInside : 0) | (outside ? voxels::kHasOutside : 0));
}

// One row and one block each, as a GPU does it.
struct ClassifyRow {
  voxels::Samples samples;
  voxels::Signs signs;
  FASTCV_HD void operator()(std::int64_t i) const {
    const RowSigns found = row_signs(samples, i / voxels::kRows, static_cast<int>(i % voxels::kRows));
    reinterpret_cast<std::uint8_t*>(signs.inside)[i] = found.inside;
    reinterpret_cast<std::uint8_t*>(signs.known)[i] = found.known;
  }
};
struct SettleSigns {
  voxels::Signs signs;
  FASTCV_HD void operator()(std::int64_t block) const { signs.states[block] = block_signs(signs, block); }
};

struct FindCandidate {
  voxels::Samples samples;
  const std::uint8_t* states;
  std::uint8_t* candidates;
  FASTCV_HD void operator()(std::int64_t block) const {
    const Octet after = octet<1>(samples, block);
    std::uint8_t found = 0;
    for (std::int64_t other : after.of) found |= other < 0 ? 0 : states[other];
    candidates[block] = found == (voxels::kHasInside | voxels::kHasOutside);
  }
};

// Cells with eight known corners on both sides.
struct MarkCells {
  voxels::Samples samples;
  voxels::Signs signs;
  voxels::Surface surface;
  FASTCV_HD void operator()(std::int64_t i) const {
    const Octet after = octet<1>(samples, surface.blocks[i]);
    Quad inside = quad_after(signs.inside, after, 0);
    std::uint64_t known = quad_after(signs.known, after, 0).all();
    for (int z = 0; z < voxels::kBlock; ++z) {
      const Quad next = quad_after(signs.inside, after, z + 1);
      const std::uint64_t next_known = quad_after(signs.known, after, z + 1).all();
      const std::uint64_t mixed = (inside.any() | next.any()) & ~(inside.all() & next.all());
      surface.cells[i * voxels::kBlock + z] = mixed & known & next_known;
      inside = next;
      known = next_known;
    }
  }
};

// Bit c: whether corner c of a cell is inside.
FASTCV_HD int case_of(const Quad& inside, const Quad& next, int bit) {
  int result = 0;
  FASTCV_UNROLL
  for (int k = 0; k < 4; ++k) {
    result |= static_cast<int>(inside.of[k] >> bit & 1) << k | static_cast<int>(next.of[k] >> bit & 1) << (k + 4);
  }
  return result;
}

struct CountBlock {
  voxels::Samples samples;
  voxels::Signs signs;
  voxels::Surface surface;
  const voxels::CubeCases* cases;
  std::int64_t* totals;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t block = surface.blocks[i];
    const Octet after = octet<1>(samples, block), before = ranked(octet<-1>(samples, block), surface.ranks);
    Quad inside = quad_after(signs.inside, after, 0), cells_before = quad_before(surface.cells, before, -1);
    std::int32_t num_vertices = 0, num_triangles = 0;
    for (int z = 0; z < voxels::kBlock; ++z) {
      const Quad next = quad_after(signs.inside, after, z + 1), cells = quad_before(surface.cells, before, z);
      count_edges(3 * (i * voxels::kBlock + z), inside, next.of[0], cells, cells_before, num_vertices);
      surface.triangle_starts[i * voxels::kBlock + z] = num_triangles;
      for (std::uint64_t open = cells.of[0]; open != 0;) {
        num_triangles += cases->of[case_of(inside, next, take_lowest(open))].num_triangles;
      }
      inside = next;
      cells_before = cells;
    }
    totals[2 * i] = num_vertices;
    totals[2 * i + 1] = num_triangles;
  }
  // Edges with a crossed cell at one of their four sides: an edge between known samples may have none.
  FASTCV_HD void count_edges(std::int64_t at, const Quad& inside, std::uint64_t next, const Quad& cells,
                             const Quad& cells_before, std::int32_t& num_vertices) const {
    const std::uint64_t own = inside.of[0];
    const std::uint64_t beside[3] = {cells.of[0] | cells.of[2] | cells_before.of[0] | cells_before.of[2],
                                     cells.of[0] | cells.of[1] | cells_before.of[0] | cells_before.of[1], cells.any()};
    const std::uint64_t crossed[3] = {own ^ inside.of[1], own ^ inside.of[2], own ^ next};
    for (int axis = 0; axis < 3; ++axis) {
      surface.edges[at + axis] = crossed[axis] & beside[axis];
      surface.vertex_starts[at + axis] = num_vertices;
      num_vertices += __builtin_popcountll(surface.edges[at + axis]);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
