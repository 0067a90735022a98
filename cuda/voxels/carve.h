// SPDX-License-Identifier: Apache-2.0
// Carves a grid of voxels by silhouettes or depth maps on a GPU. All arrays, the tables of the views included, lie
// there.
#pragma once

#include <cuda_runtime_api.h>

#include "voxels/carving.h"
#include "voxels/depth_maps.h"
#include "voxels/pack_masks.h"

namespace fastcv::cuda::voxels {

using fastcv::voxels::Carving;
using fastcv::voxels::CarvingBy;
using fastcv::voxels::DepthCarving;
using fastcv::voxels::kLayout;
using fastcv::voxels::Mask;

// As in fastcv::voxels, on the current device. `masks`, `maps` and `layout` are on the host.
void pack_masks(const Mask* masks, Rows<const std::int64_t, kLayout> layout, std::int32_t* words, std::int64_t* sums,
                cudaStream_t stream);
void pack_depths(const View<const float, 2>* maps, Rows<std::int64_t, kLayout> layout, float* ranges,
                 cudaStream_t stream);
void classify_blocks(const Carving& carving, std::uint8_t* states, cudaStream_t stream);
void classify_blocks(const DepthCarving& carving, std::uint8_t* states, cudaStream_t stream);
void carve_blocks(const Carving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits, std::uint8_t* states,
                  cudaStream_t stream);
void carve_blocks(const DepthCarving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits,
                  std::uint8_t* states, cudaStream_t stream);

}  // namespace fastcv::cuda::voxels
