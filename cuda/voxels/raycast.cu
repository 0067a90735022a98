// SPDX-License-Identifier: Apache-2.0
// Ray-casting, one thread a pixel, and at what depths there are blocks, one thread a block.
#include "voxels/raycast.hd.h"

#include "cuda/core/launch.cuh"
#include "cuda/voxels/tsdf.h"
#include "voxels/block_range.hd.h"

namespace fastcv::cuda::voxels {
namespace {

struct ClearCell {
  float* ranges;
  std::uint32_t* occupied;
  __device__ void operator()(std::int64_t i) const {
    ranges[2 * i] = __int_as_float(0x7f800000);
    ranges[2 * i + 1] = 0;
    occupied[i] = 0;
  }
};

// Calls visit(cell, range) for the cells of slopes in which block i lies.
struct BlockCells {
  RayView view;
  double cam_from_voxel[12];
  Rows<const std::int32_t, 3> blocks;

  template <class Visit>
  __device__ void for_each(std::int64_t i, const Visit& visit) const {
    const gpu::BlockRange range = gpu::block_range(view, cam_from_voxel, blocks[i]);
    for (std::int64_t row = range.first_row; row <= range.last_row; ++row) {
      for (std::int64_t column = range.first_column; column <= range.last_column; ++column) {
        visit(row * view.columns + column, range);
      }
    }
  }
};
// Floats that are not negative are in the order of their bits.
struct WidenRanges {
  BlockCells cells;
  float* ranges;

  __device__ void operator()(std::int64_t i) const {
    cells.for_each(i, [&](std::int64_t cell, const gpu::BlockRange& range) {
      auto* its = reinterpret_cast<int*>(ranges + 2 * cell);
      atomicMin(its, __float_as_int(range.near));
      atomicMax(its + 1, __float_as_int(range.far));
    });
  }
};
struct MarkDepths {
  BlockCells cells;
  const float* ranges;
  std::uint32_t* occupied;

  __device__ void operator()(std::int64_t i) const {
    cells.for_each(i, [&](std::int64_t cell, const gpu::BlockRange& range) {
      atomicOr(occupied + cell, gpu::CellDepths(ranges + 2 * cell, 0).parts_between(range.near, range.far));
    });
  }
};

}  // namespace

void find_depths(const RayView& view, const double* cam_from_voxel, Rows<const std::int32_t, 3> blocks, float* ranges,
                 std::uint32_t* occupied, cudaStream_t stream) {
  BlockCells cells{view, {}, blocks};
  for (int k = 0; k < 12; ++k) cells.cam_from_voxel[k] = cam_from_voxel[k];
  for_each(view.rows * view.columns, ClearCell{ranges, occupied}, stream);
  for_each(blocks.rows, WidenRanges{cells, ranges}, stream);
  for_each(blocks.rows, MarkDepths{cells, ranges, occupied}, stream);
}

void raycast(const Surface& surface, const RayView& view, const RenderBuffers& out, cudaStream_t stream) {
  for_each(view.slopes.shape[0] * view.slopes.shape[1], gpu::RenderPixels(surface, view, out), stream);
}

}  // namespace fastcv::cuda::voxels
