// SPDX-License-Identifier: Apache-2.0
// Marching cubes on a GPU: one thread a row of eight samples, a block, and a layer of a block.
#include "cuda/voxels/marching_cubes.h"

#include "cuda/core/launch.cuh"
#include "voxels/surface.hd.h"

namespace fastcv::cuda::voxels {
namespace {

using fastcv::voxels::CubeCases;
using fastcv::voxels::kBlock;

__device__ const CubeCases device_cases = fastcv::voxels::detail::cube_cases();

const CubeCases* cases() {
  void* address = nullptr;
  check(cudaGetSymbolAddress(&address, device_cases), "cudaGetSymbolAddress");
  return static_cast<const CubeCases*>(address);
}

}  // namespace

void classify_samples(const Samples& samples, const Signs& signs, cudaStream_t stream) {
  for_each(samples.num_blocks * fastcv::voxels::kRows, gpu::ClassifyRow{samples, signs}, stream);
  for_each(samples.num_blocks, gpu::SettleSigns{signs}, stream);
}

void find_candidates(const Samples& samples, const Signs& signs, std::uint8_t* candidates, cudaStream_t stream) {
  for_each(samples.num_blocks, gpu::FindCandidate{samples, signs.states, candidates}, stream);
}

void mark_cells(const Samples& samples, const Signs& signs, const Surface& surface, cudaStream_t stream) {
  for_each(surface.count, gpu::MarkCells{samples, signs, surface}, stream);
}

void count_surface(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t* totals,
                   cudaStream_t stream) {
  for_each(surface.count, gpu::CountBlock{samples, signs, surface, cases(), totals}, stream);
}

void emit_surface(const Samples& samples, const Signs& signs, const Surface& surface, const MeshArrays& mesh,
                  cudaStream_t stream) {
  for_each(surface.count * kBlock, gpu::EmitVertices{samples, signs, surface, mesh}, stream);
  for_each(surface.count * kBlock, gpu::EmitTriangles{samples, signs, surface, mesh, cases()}, stream);
}

}  // namespace fastcv::cuda::voxels
