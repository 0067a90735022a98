// SPDX-License-Identifier: Apache-2.0
// Binomial sums of the voxels around each, exact in integers, compiled once per instruction set.
#include "voxels/smooth_occupancy.h"
// The declarations come after what they mention.
#include "voxels/smooth_occupancy.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {
namespace {

using namespace fastcv::voxels;

constexpr int kMostSide = kBlock + 2 * kMostPasses;

// A block and what lies around it, side^3 numbers of which the first is `passes` before the block's first voxel.
struct Cube {
  int side;
  std::int32_t of[kMostSide * kMostSide * kMostSide];

  std::int32_t* row(int z, int y) { return of + (z * side + y) * side; }
};

// Eight voxels along x, x = 0 the lowest bit.
std::uint32_t row_bits(const Occupancy& o, std::int64_t z, std::int64_t y, std::int64_t block_x) {
  if (block_x < 0 || block_x >= o.ranks.shape[2]) return 0;
  const std::int32_t rank = o.ranks(z / kBlock, y / kBlock, block_x);
  if (rank == kAllEmpty) return 0;
  if (rank != kAllFull) return o.bits[std::int64_t(rank) * kRows + z % kBlock * kBlock + y % kBlock];
  const std::int64_t left = o.shape[2] - block_x * kBlock;
  return left < kBlock ? (1U << left) - 1 : 255U;
}

void fill(const Occupancy& o, const std::int32_t* block, int passes, Cube& cube) {
  for (int z = 0; z < cube.side; ++z) {
    for (int y = 0; y < cube.side; ++y) {
      const std::int64_t at_z = std::int64_t(block[0]) * kBlock + z - passes;
      const std::int64_t at_y = std::int64_t(block[1]) * kBlock + y - passes;
      std::uint32_t bits = 0;
      if (at_z >= 0 && at_y >= 0 && at_z < o.shape[0] && at_y < o.shape[1]) {
        for (int k = 0; k < 3; ++k) bits |= row_bits(o, at_z, at_y, std::int64_t(block[2]) + k - 1) << (kBlock * k);
      }
      bits >>= kBlock - passes;
      std::int32_t* row = cube.row(z, y);
      for (int x = 0; x < cube.side; ++x) row[x] = static_cast<std::int32_t>(bits >> x & 1);
    }
  }
}

// Adds to each number that which is `stride` further, 2 * passes times: weights of Pascal's triangle.
void sum(Cube& cube, int passes, std::int64_t stride) {
  const std::int64_t size = std::int64_t(cube.side) * cube.side * cube.side;
  for (int i = 0; i < 2 * passes; ++i) {
    for (std::int64_t k = 0; k + stride < size; ++k) cube.of[k] += cube.of[k + stride];
  }
}

}  // namespace

void smooth_block(const Occupancy& occupancy, const std::int32_t* block, int passes, float* values) {
  Cube cube;
  cube.side = kBlock + 2 * passes;
  fill(occupancy, block, passes, cube);
  // What a sum carries over the end of a row or a layer ends up in numbers that nobody reads.
  std::int64_t stride = 1;
  for (int axis = 0; axis < 3; ++axis, stride *= cube.side) sum(cube, passes, stride);
  const float whole = static_cast<float>(std::int64_t(1) << (6 * passes));  // up to 2^24: all is exact
  const float half = passes == 0 ? 0.5F : 0.5F * whole - 0.5F;
  for (int z = 0; z < kBlock; ++z) {
    for (int y = 0; y < kBlock; ++y) {
      const std::int32_t* row = cube.row(z, y);
      for (int x = 0; x < kBlock; ++x) *values++ = (half - static_cast<float>(row[x])) / whole;
    }
  }
}

}  // namespace fastcv::FASTCV_ISA::voxels
