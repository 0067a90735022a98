// SPDX-License-Identifier: Apache-2.0
// Finds at what depths a view may see blocks, and splits its pixels over threads.
#include "voxels/raycast.h"

#include <algorithm>
#include <limits>

#include "core/interrupt.h"
#include "core/parallel.h"
#include "voxels/block_range.hd.h"
#include "voxels/raycast.hd.h"

namespace fastcv::voxels {

namespace {

// Calls visit(cell, range) for the cells of slopes in which blocks lie.
template <class Visit>
void for_each_cell(const RayView& view, const double* cam_from_voxel, Rows<const std::int32_t, 3> blocks,
                   const Visit& visit) {
  polled_for(blocks.rows, [&](std::int64_t i) {
    const generic::BlockRange range = generic::block_range(view, cam_from_voxel, blocks[i]);
    for (std::int64_t row = range.first_row; row <= range.last_row; ++row) {
      for (std::int64_t column = range.first_column; column <= range.last_column; ++column) {
        visit(row * view.columns + column, range);
      }
    }
  });
}

}  // namespace

void find_depths(const RayView& view, const double* cam_from_voxel, Rows<const std::int32_t, 3> blocks, float* ranges,
                 std::uint32_t* occupied) {
  for (std::int64_t i = 0; i < view.rows * view.columns; ++i) {
    ranges[2 * i] = std::numeric_limits<float>::infinity();
    ranges[2 * i + 1] = 0;
    occupied[i] = 0;
  }
  for_each_cell(view, cam_from_voxel, blocks, [&](std::int64_t cell, const generic::BlockRange& range) {
    ranges[2 * cell] = std::min(ranges[2 * cell], range.near);
    ranges[2 * cell + 1] = std::max(ranges[2 * cell + 1], range.far);
  });
  for_each_cell(view, cam_from_voxel, blocks, [&](std::int64_t cell, const generic::BlockRange& range) {
    occupied[cell] |= generic::CellDepths(ranges + 2 * cell, 0).parts_between(range.near, range.far);
  });
}

void raycast(const Surface& surface, const RayView& view, const RenderBuffers& out, int num_threads) {
  constexpr int kTogether = 8;          // rays that go in turns
  constexpr std::int64_t kSquare = 16;  // pixels along the side of a square, whose rays read the same voxels
  const generic::RenderPixels pixels(surface, view, out);
  const std::int64_t height = view.slopes.shape[0], width = view.slopes.shape[1];
  const std::int64_t columns = (width + kSquare - 1) / kSquare, rows = (height + kSquare - 1) / kSquare;
  parallel_for(rows * columns, 8, num_threads, [&](std::int64_t begin, std::int64_t end) {
    generic::VoxelReader<3> reader(surface);
    for (std::int64_t tile = begin; tile < end; ++tile) {
      const std::int64_t top = tile / columns * kSquare, left = tile % columns * kSquare;
      for (std::int64_t y = top; y < std::min(top + kSquare, height); ++y) {
        for (std::int64_t x = left; x < std::min(left + kSquare, width); x += kTogether) {
          const auto count = static_cast<int>(std::min<std::int64_t>(kTogether, width - x));
          pixels.render<kTogether>(y * width + x, count, reader);
        }
      }
    }
  });
}

}  // namespace fastcv::voxels
