// SPDX-License-Identifier: Apache-2.0
// Carving on a GPU: one thread a tile, a block, and a row of eight voxels.
#include "cuda/voxels/carve.h"

#include "cuda/core/launch.cuh"
#include "voxels/carve.hd.h"

namespace fastcv::cuda::voxels {
namespace {

template <class Views>
void classify(const CarvingBy<Views>& carving, std::uint8_t* states, cudaStream_t stream) {
  const std::int64_t blocks = carving.blocks_along(0) * carving.blocks_along(1) * carving.blocks_along(2);
  for_each(blocks, gpu::ClassifyBlock<Views>{carving, states}, stream);
}

template <class Views>
void carve(const CarvingBy<Views>& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits,
           std::uint8_t* states, cudaStream_t stream) {
  for_each(blocks.shape[0] * fastcv::voxels::kRows, gpu::CarveRow<Views>{carving, blocks.data, bits}, stream);
  for_each(blocks.shape[0], gpu::SettleBlock<Views>{carving, blocks.data, bits, states}, stream);
}

}  // namespace

void pack_masks(const Mask* masks, Rows<const std::int64_t, kLayout> layout, std::int32_t* words, std::int64_t* sums,
                cudaStream_t stream) {
  for (std::int64_t i = 0; i < layout.rows; ++i) {
    const auto& pixels = masks[i].pixels;
    const std::int64_t rows = gpu::tiles_along(pixels.shape[0]), columns = gpu::tiles_along(pixels.shape[1]);
    std::int32_t* its_words = words + layout[i][2];
    std::int64_t* its_sums = sums + layout[i][3];
    check(cudaMemsetAsync(its_words, 0, sizeof(std::int32_t), stream), "cudaMemsetAsync");
    for_each(rows * columns, gpu::PackTile{pixels, masks[i].outside, its_words}, stream);
    for_each(rows + 1, gpu::SumRow{columns, its_words, its_sums}, stream);
    for_each(columns + 1, gpu::SumColumn{rows, columns, its_sums}, stream);
  }
}

void pack_depths(const View<const float, 2>* maps, Rows<std::int64_t, kLayout> layout, float* ranges,
                 cudaStream_t stream) {
  const auto run = [stream](std::int64_t n, const auto& functor) { for_each(n, functor, stream); };
  for (std::int64_t i = 0; i < layout.rows; ++i) {
    layout[i][2] = reinterpret_cast<std::int64_t>(maps[i].data);
    gpu::find_ranges(maps[i], ranges + layout[i][3], run);
  }
}

void classify_blocks(const Carving& carving, std::uint8_t* states, cudaStream_t stream) {
  classify(carving, states, stream);
}
void classify_blocks(const DepthCarving& carving, std::uint8_t* states, cudaStream_t stream) {
  classify(carving, states, stream);
}
void carve_blocks(const Carving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits, std::uint8_t* states,
                  cudaStream_t stream) {
  carve(carving, blocks, bits, states, stream);
}
void carve_blocks(const DepthCarving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits,
                  std::uint8_t* states, cudaStream_t stream) {
  carve(carving, blocks, bits, states, stream);
}

}  // namespace fastcv::cuda::voxels
