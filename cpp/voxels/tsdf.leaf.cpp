// SPDX-License-Identifier: Apache-2.0
// The frames of one block of voxels, compiled once per instruction set.
#include "voxels/depth_sight.hd.h"
#include "voxels/tsdf.hd.h"
// The declarations come after what they mention.
#include "voxels/tsdf.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {

using namespace fastcv::voxels;

std::int64_t select_frames(const Fusion& fusion, const std::int32_t* low, std::int64_t side, const std::int32_t* frames,
                           std::int64_t count, std::int32_t* selected) {
  std::int64_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t frame = frames[i];
    if (sight(fusion, frame, low, side) == Sight::kBand) selected[found++] = frame;
  }
  return found;
}

std::int32_t first_in_band(const Fusion& fusion, const std::int32_t* block, const std::int32_t* frames,
                           std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const BlockView view = block_view(fusion.frames, frames[i], block);
    for (int voxel = 0; voxel < kBlockVoxels; voxel += kLanes) {
      if (in_band<Floats>(view, fusion.truncation, voxel)) return frames[i];
    }
  }
  return -1;
}

void integrate_block(const Fusion& fusion, const std::int32_t* block, std::int64_t first_frame,
                     const BlockVoxels& voxels) {
  for (std::int64_t frame = first_frame; frame < fusion.frames.count; ++frame) {
    if (sight(fusion, frame, block, 1) == Sight::kNothing) continue;
    const BlockView view = block_view(fusion.frames, frame, block);
    for (int voxel = 0; voxel < kBlockVoxels; voxel += kLanes) update<Floats>(fusion, view, voxel, voxels);
  }
}

}  // namespace fastcv::FASTCV_ISA::voxels
