// SPDX-License-Identifier: Apache-2.0
// Carves a grid of voxels by silhouettes or depth maps: first whole blocks, then the voxels of those that views divide.
#pragma once

#include "voxels/carving.h"
#include "voxels/depth_maps.h"

namespace fastcv::voxels {

// One state for each block in raster order; kMixed where a block may be anything.
void classify_blocks(const Carving& carving, std::uint8_t* states, int num_threads);
void classify_blocks(const DepthCarving& carving, std::uint8_t* states, int num_threads);

// The voxels of these blocks, numbered in raster order. bits: (count, 64), a byte for each row of 8 voxels, z before y,
// x = 0 the lowest bit; states: (count), now exact.
void carve_blocks(const Carving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits, std::uint8_t* states,
                  int num_threads);
void carve_blocks(const DepthCarving& carving, View<const std::int64_t, 1> blocks, std::uint8_t* bits,
                  std::uint8_t* states, int num_threads);

}  // namespace fastcv::voxels
