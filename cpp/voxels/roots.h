// SPDX-License-Identifier: Apache-2.0
// How a grid is split among threads: into roots, cubes of blocks that are halved kLevels - 1 times.
#pragma once

#include "voxels/carving.h"

namespace fastcv::voxels {

constexpr int kLevels = 4;
constexpr std::int64_t kRootBlocks = std::int64_t(1) << (kLevels - 1);

template <class Views>
FASTCV_HD std::int64_t roots_along(const CarvingBy<Views>& carving, int axis) {
  return (carving.blocks_along(axis) + kRootBlocks - 1) / kRootBlocks;
}

}  // namespace fastcv::voxels
