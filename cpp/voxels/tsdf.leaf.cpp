// SPDX-License-Identifier: Apache-2.0
// The frames of one block of voxels, compiled once per instruction set.
#include "voxels/depth_sight.hd.h"
#include "voxels/tsdf.hd.h"
// The declarations come after what they mention.
#include "voxels/tsdf.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {

using namespace fastcv::voxels;

namespace {

// Calls visit(first voxel) for all lanes of a block until it returns true, which it then does itself. Lanes with the same
// x and y follow each other, so that what they share is computed once.
template <class Visit>
bool any_lanes(const Visit& visit) {
  constexpr int kLayer = kBlock * kBlock;
  for (int voxel = 0; voxel < kLayer; voxel += kLanes) {
    for (int z = 0; z < kBlock; ++z) {
      if (visit(z * kLayer + voxel)) return true;
    }
  }
  return false;
}

}  // namespace

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
    if (any_lanes([&](int voxel) { return in_band<Floats>(view, fusion.truncation, voxel); })) return frames[i];
  }
  return -1;
}

void integrate_block(const Fusion& fusion, const std::int32_t* block, std::int64_t first_frame,
                     const BlockVoxels& voxels) {
  for (std::int64_t frame = first_frame; frame < fusion.frames.count; ++frame) {
    if (sight(fusion, frame, block, 1) == Sight::kNothing) continue;
    const BlockView view = block_view(fusion.frames, frame, block);
    any_lanes([&](int voxel) {
      update<Floats>(fusion, view, voxel, voxels);
      return false;
    });
  }
}

}  // namespace fastcv::FASTCV_ISA::voxels
