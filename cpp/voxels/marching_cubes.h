// SPDX-License-Identifier: Apache-2.0
// Marching cubes over blocks in passes without locks: signs, cells, counts, then vertices and triangles at the places
// that sums of the counts give (as Schroeder, Maynard & Geveci 2015, "Flying edges", do it for rows).
#pragma once

#include "voxels/cube_cases.h"
#include "voxels/samples.h"

namespace fastcv::voxels {

// The surface in those blocks that can hold a part of it. A vertex lies on an edge between two samples and belongs to
// the block of the first; a cell belongs to the block of its first corner. Both come in order of blocks, then of
// layers; vertices of a layer in order of axes (x, y, z), then as samples.
struct Surface {
  std::int64_t count;
  const std::int64_t* blocks;     // (count,) numbers of them
  const std::int32_t* ranks;      // (num_blocks,) where in `blocks` a block is, -1 where it is not
  std::uint64_t* cells;           // (count, 8) bits of the cells that the surface crosses
  std::uint64_t* edges;           // (count, 8, 3) bits of the samples whose edges along x, y, z it crosses
  std::int32_t* vertex_starts;    // (count, 8, 3) vertices of the block before those
  std::int32_t* triangle_starts;  // (count, 8) triangles of the block before those of the layer
};

// vertices, normals: (N, 3) in the world; colors: (N, 3) RGB, or null; faces: (F, 3); first: (count, 2) vertices and
// triangles of the blocks before each.
struct MeshArrays {
  const std::int64_t* first;
  float* vertices;
  float* normals;
  std::uint8_t* colors;
  std::int32_t* faces;
};

void classify_samples(const Samples& samples, const Signs& signs, int num_threads);
// candidates: (num_blocks,), 1 where a block's samples and those next to them are on both sides.
void find_candidates(const Samples& samples, const Signs& signs, std::uint8_t* candidates, int num_threads);
void mark_cells(const Samples& samples, const Signs& signs, const Surface& surface, int num_threads);
// totals: (count, 2) vertices and triangles of each block.
void count_surface(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t* totals,
                   int num_threads);
void emit_surface(const Samples& samples, const Signs& signs, const Surface& surface, const MeshArrays& mesh,
                  int num_threads);

}  // namespace fastcv::voxels
