// SPDX-License-Identifier: Apache-2.0
// Ray-casting, one thread a pixel, and the ends of rays, one thread a block.
#include "voxels/raycast.hd.h"

#include "cuda/core/launch.cuh"
#include "cuda/voxels/tsdf.h"
#include "voxels/block_range.hd.h"

namespace fastcv::cuda::voxels {
namespace {

struct ClearRange {
  float* ranges;
  __device__ void operator()(std::int64_t i) const {
    ranges[2 * i] = __int_as_float(0x7f800000);
    ranges[2 * i + 1] = 0;
  }
};

struct Matrix {
  double m[12];
};
// Floats that are not negative are in the order of their bits.
struct WidenRanges {
  RayView view;
  Matrix cam_from_voxel;
  Rows<const std::int32_t, 3> blocks;
  float* ranges;

  __device__ void operator()(std::int64_t i) const {
    const gpu::BlockRange range = gpu::block_range(view, cam_from_voxel.m, blocks[i]);
    for (std::int64_t row = range.first_row; row <= range.last_row; ++row) {
      for (std::int64_t column = range.first_column; column <= range.last_column; ++column) {
        auto* its = reinterpret_cast<int*>(ranges + 2 * (row * view.columns + column));
        atomicMin(its, __float_as_int(range.near));
        atomicMax(its + 1, __float_as_int(range.far));
      }
    }
  }
};

}  // namespace

void find_ranges(const RayView& view, const double* cam_from_voxel, Rows<const std::int32_t, 3> blocks, float* ranges,
                 cudaStream_t stream) {
  Matrix matrix;
  for (int k = 0; k < 12; ++k) matrix.m[k] = cam_from_voxel[k];
  for_each(view.rows * view.columns, ClearRange{ranges}, stream);
  for_each(blocks.rows, WidenRanges{view, matrix, blocks, ranges}, stream);
}

void raycast(const Surface& surface, const RayView& view, const RenderBuffers& out, cudaStream_t stream) {
  for_each(view.slopes.shape[0] * view.slopes.shape[1], gpu::RenderPixel(surface, view, out), stream);
}

}  // namespace fastcv::cuda::voxels
