// SPDX-License-Identifier: Apache-2.0
// Space carving on a GPU: one thread a pixel, a voxel, a block of voxels.
#include "voxels/space_carve.hd.h"

#include "cuda/core/launch.cuh"
#include "cuda/voxels/space_carve.h"

namespace fastcv::cuda::voxels {
namespace {

// body(pixel) for the pixels of a view's marked tiles.
template <class Body>
struct InTiles {
  std::int64_t width;
  const std::uint8_t* tiles;
  Body body;
  FASTCV_HD void operator()(std::int64_t pixel) const {
    if (tiles[gpu::sight_tile(width, pixel % width, pixel / width)]) body(pixel);
  }
};

// counts[layer] += 1 for each voxel of a touched block for which body(number) is true: whole numbers have no order.
template <class Body>
struct CountVoxel {
  std::int64_t shape[3];
  const std::uint8_t* touched;
  std::int64_t* counts;
  Body body;
  FASTCV_HD void operator()(std::int64_t number) const {
    std::int64_t voxel[3];
    gpu::voxel_at(shape, number, voxel);
    if (!touched[gpu::block_of(shape, voxel)] || !body(number)) return;
#ifdef __CUDA_ARCH__
    atomicAdd(reinterpret_cast<unsigned long long*>(counts + voxel[2]), 1ULL);
#endif
  }
};
template <class Body>
void count_layers(const std::int64_t* s, const std::uint8_t* touched, std::int64_t* counts, const Body& body,
                  cudaStream_t stream) {
  check(cudaMemsetAsync(counts, 0, sizeof(std::int64_t) * s[0], stream), "cudaMemsetAsync");
  for_each(s[0] * s[1] * s[2], CountVoxel<Body>{{s[0], s[1], s[2]}, touched, counts, body}, stream);
}

}  // namespace

void pack_photograph(View<const std::uint8_t, 3> image, std::int32_t* pixels, cudaStream_t stream) {
  for_each(image.shape[0] * image.shape[1], gpu::PackPixel{image, pixels}, stream);
}

void cast_rays(const double* geometry, View<const std::uint8_t, 3> states, View<std::int64_t, 2> voxels, float* depths,
               const std::uint8_t* tiles, std::uint8_t* changed, cudaStream_t stream) {
  const std::int64_t* s = states.shape;
  const gpu::CastRay cast{geometry, {s[0], s[1], s[2]}, voxels.shape[1], states.data, {voxels.data, depths}, changed};
  for_each(voxels.size(), InTiles<gpu::CastRay>{voxels.shape[1], tiles, cast}, stream);
}

void touch_blocks(const Photographs& photos, const std::int64_t* shape, const std::uint8_t* changed,
                  std::uint8_t* touched, cudaStream_t stream) {
  const std::int64_t blocks = gpu::blocks_along(shape[0]) * gpu::blocks_along(shape[1]) * gpu::blocks_along(shape[2]);
  for_each(blocks, gpu::TouchBlock{photos, {shape[0], shape[1], shape[2]}, changed, touched}, stream);
}

void judge_voxels(const Photographs& photos, const Consistency& rule, const float* depths,
                  View<const std::uint8_t, 3> states, const std::uint8_t* changed, const std::uint8_t* touched,
                  std::uint8_t* marks, std::uint8_t* tiles, std::int64_t* counts, cudaStream_t stream) {
  const std::int64_t* s = states.shape;
  const gpu::JudgeVoxel judge{photos, rule, {s[0], s[1], s[2]}, depths, states.data, changed, marks, tiles};
  count_layers(s, touched, counts, judge, stream);
}

void hold_rays(const double* geometry, View<std::uint8_t, 3> states, const std::uint8_t* marks,
               View<const std::int64_t, 2> voxels, const std::uint8_t* tiles, cudaStream_t stream) {
  const std::int64_t* s = states.shape;
  const gpu::HoldRay hold{geometry, {s[0], s[1], s[2]}, voxels.shape[1], states.data, marks, voxels.data};
  for_each(voxels.size(), InTiles<gpu::HoldRay>{voxels.shape[1], tiles, hold}, stream);
}

void take_voxels(View<std::uint8_t, 3> states, const std::uint8_t* touched, std::uint8_t* marks, std::int64_t* counts,
                 std::uint8_t* touches, cudaStream_t stream) {
  const std::int64_t* s = states.shape;
  count_layers(s, touched, counts, gpu::TakeVoxel{{s[0], s[1], s[2]}, states.data, marks, touches}, stream);
}

void observe_voxels(const Photographs& photos, const float* depths, const std::int64_t* shape,
                    View<const std::int64_t, 1> voxels, float* colors, float* shares, cudaStream_t stream) {
  const gpu::ObserveVoxel observe{photos, {shape[0], shape[1], shape[2]}, depths, voxels.data, colors, shares};
  for_each(voxels.shape[0], observe, stream);
}

}  // namespace fastcv::cuda::voxels
