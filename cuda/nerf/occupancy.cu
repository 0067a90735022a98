// SPDX-License-Identifier: Apache-2.0
// Occupancy grids, one thread a cell, a word, or a node.
#include "cuda/core/fixed_point.cuh"
#include "cuda/core/launch.cuh"
#include "cuda/core/sum.cuh"
#include "cuda/nerf/occupancy.h"
#include "nerf/occupancy.hd.h"

namespace fastcv::cuda::nerf {
namespace {

// Sum and number of densities that are seen, as core/elementwise.hd.h has it.
struct SumSeen {
  using Scalar = float;
  static constexpr int kInputs = 1, kOutputs = 1, kSums = 2;
  const float* density;

  __device__ void load(std::int64_t i, float* in, std::int64_t) const { in[0] = density[i]; }
  __device__ void compute(const float* in, float*, double* sums, std::int64_t) const {
    const bool seen = gpu::is_seen(in[0]);
    sums[0] += seen ? in[0] : 0.0F;
    sums[1] += seen;
  }
  __device__ void store(std::int64_t, const float*, std::int64_t) const {}
};

struct SetThreshold {
  const double* sums;
  float limit;
  float* threshold;
  __device__ void operator()(std::int64_t) const { *threshold = gpu::occupancy_threshold(sums[0], sums[1], limit); }
};

}  // namespace

void occupancy_points(const OccupancyGrid& grid, const CellPoints& cells, cudaStream_t stream) {
  for_each(cells.count, gpu::CellPoint{grid, cells}, stream);
}

void occupancy_pack(const OccupancyGrid& grid, const OccupancyBits& bits, cudaStream_t stream) {
  const Zeros<double> sums(SumSeen::kSums, stream);
  for_each_with_sums(grid.levels * grid.cells_per_level(), SumSeen{bits.density}, sums.get(), stream);
  for_each(1, SetThreshold{sums.get(), bits.limit, bits.threshold}, stream);
  for (int level = 0; level < grid.levels; ++level) {
    for_each(64 * grid.nodes_per_level(), gpu::PackWord{grid, bits, level}, stream);
  }
  for_each(grid.levels * grid.nodes_per_level(), gpu::PackNode{bits}, stream);
}

}  // namespace fastcv::cuda::nerf
