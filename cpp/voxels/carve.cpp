// SPDX-License-Identifier: Apache-2.0
// Splits roots and blocks over threads and calls the leaf for this processor.
#include "voxels/carve.h"

#include <vector>

#include "core/parallel.h"
#include "voxels/roots.h"

#define FASTCV_LEAF "voxels/carve.leaf.h"
#include "core/leaf.h"

namespace fastcv::voxels {
namespace {

template <class Views>
void classify_root(const CarvingBy<Views>& carving, std::int64_t root, std::int32_t* scratch, std::uint8_t* states) {
  FASTCV_DISPATCH(voxels::classify_root(carving, root, scratch, states));
}
template <class Views>
void carve_block(const CarvingBy<Views>& carving, std::int64_t block, std::int32_t* scratch, std::uint8_t* bits,
                 std::uint8_t* state) {
  FASTCV_DISPATCH(voxels::carve_block(carving, block, scratch, bits, state));
}

template <class Views>
void classify(const CarvingBy<Views>& carving, std::uint8_t* states, int num_threads) {
  const std::int64_t roots = roots_along(carving, 0) * roots_along(carving, 1) * roots_along(carving, 2);
  parallel_for(roots, 1, num_threads, [&](std::int64_t root, std::int64_t) {
    std::vector<std::int32_t> scratch(kLevels * carving.views.count);
    classify_root(carving, root, scratch.data(), states);
  });
}

template <class Views>
void carve(const CarvingBy<Views>& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits,
           std::uint8_t* states, int num_threads) {
  constexpr std::int64_t kGrain = 64;
  parallel_for(blocks.shape[0], kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int32_t> scratch(2 * carving.views.count);
    for (std::int64_t i = begin; i < end; ++i) {
      carve_block(carving, blocks(i), scratch.data(), bits + i * kRows, states + i);
    }
  });
}

}  // namespace

void classify_blocks(const Carving& carving, std::uint8_t* states, int num_threads) {
  classify(carving, states, num_threads);
}
void classify_blocks(const DepthCarving& carving, std::uint8_t* states, int num_threads) {
  classify(carving, states, num_threads);
}
void carve_blocks(const Carving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits, std::uint8_t* states,
                  int num_threads) {
  carve(carving, blocks, bits, states, num_threads);
}
void carve_blocks(const DepthCarving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits,
                  std::uint8_t* states, int num_threads) {
  carve(carving, blocks, bits, states, num_threads);
}

}  // namespace fastcv::voxels
