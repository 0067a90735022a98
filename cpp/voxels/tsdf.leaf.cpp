// SPDX-License-Identifier: Apache-2.0
// The frames of one block of voxels, compiled once per instruction set.
#include "voxels/depth_sight.hd.h"
#include "voxels/tsdf.hd.h"
// The declarations come after what they mention.
#include "voxels/tsdf.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {

using namespace fastcv::voxels;

namespace {

// Calls visit(first voxel) for all lanes of a block until it returns true, which it then does itself.
template <class Visit>
bool any_lanes(const Visit& visit) {
  constexpr int kLayer = kBlock * kBlock;
  for (int layer = 0; layer < kBlockVoxels; layer += kLayer) {
#pragma GCC unroll 4  // so that what the layers share is computed once
    for (int voxel = 0; voxel < kLayer; voxel += kLanes) {
      if (visit(layer + voxel)) return true;
    }
  }
  return false;
}

// Middles of blocks, in voxels.
struct Middles {
  double x[kGroup], y[kGroup], z[kGroup];
};

// Which blocks lie in a frame's view, and no deeper than anything that it shows: a bit each.
std::uint32_t in_view(const Fusion& fusion, std::int64_t frame, const Middles& middles) {
  const ViewPlanes view(fusion, frame);
  double inside[kGroup] = {};
  for (const auto& p : view.planes) {
    for (int i = 0; i < kGroup; ++i) {
      const double distance = p[0] * middles.x[i] + p[1] * middles.y[i] + p[2] * middles.z[i] + p[3];
      inside[i] = distance < inside[i] ? distance : inside[i];
    }
  }
  std::uint32_t bits = 0;
  for (int i = 0; i < kGroup; ++i) bits |= static_cast<std::uint32_t>(inside[i] >= 0) << i;
  return bits;
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

void integrate_group(const Fusion& fusion, const std::int32_t* blocks, int count, const std::int32_t* first_frames,
                     const BlockVoxels& voxels) {
  Middles middles{};
  for (int i = 0; i < count; ++i) {
    const CenterBox box = center_box(blocks + 3 * i, 1);
    middles.x[i] = box.middle[0];
    middles.y[i] = box.middle[1];
    middles.z[i] = box.middle[2];
  }
  for (std::int64_t frame = 0; frame < fusion.frames.count; ++frame) {
    const std::uint32_t seen = in_view(fusion, frame, middles);
    for (int i = 0; i < count; ++i) {
      const std::int32_t* block = blocks + 3 * i;
      if ((seen >> i & 1) == 0 || frame < first_frames[i] || sight(fusion, frame, block, 1) == Sight::kNothing)
        continue;
      const BlockView view = block_view(fusion.frames, frame, block);
      const BlockVoxels its = voxels.block(i);
      any_lanes([&](int voxel) {
        update<Floats>(fusion, view, voxel, its);
        return false;
      });
    }
  }
}

}  // namespace fastcv::FASTCV_ISA::voxels
