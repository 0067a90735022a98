// SPDX-License-Identifier: Apache-2.0
// Boxes in frames, and the voxels of blocks in frames, compiled once per instruction set.
#include "voxels/depth_sight.hd.h"
#include "voxels/tsdf.hd.h"
// The declarations come after what they mention.
#include "voxels/tsdf.leaf.h"

namespace fastcv::FASTCV_ISA::voxels {

using namespace fastcv::voxels;

namespace {

// Boxes of one size, by their middles in voxels; x, y, z.
struct Boxes {
  int count = 0;
  double half[3], farthest[3] = {}, middle[3][kGroup] = {};

  void add(double x, double y, double z) {
    const double place[3] = {x, y, z};
    for (int axis = 0; axis < 3; ++axis) {
      const double size = magnitude(middle[axis][count] = place[axis]);
      farthest[axis] = size > farthest[axis] ? size : farthest[axis];
    }
    ++count;
  }
};

// A bit for each box that a frame may update, and that may have voxels near its surface.
struct SightBits {
  std::uint64_t updated, near;
};
SightBits look_at(const Fusion& fusion, std::int64_t frame, const Boxes& boxes) {
  const BoxView view = box_view(fusion, frame, boxes.half, boxes.farthest);
  float rows[3][kGroup];
  for (int r = 0; r < 3; ++r) {
    const double* m = fusion.frames.image_from_voxel + 12 * frame + 4 * r;
    for (int i = 0; i < kGroup; ++i) rows[r][i] = row_at(m, boxes.middle[0][i], boxes.middle[1][i], boxes.middle[2][i]);
  }
  SightBits bits{0, 0};
  for (int i = 0; i < boxes.count; i += kLanes) {
    const Sights<Floats> s =
        look_at_boxes(view, load<Floats>(rows[0] + i), load<Floats>(rows[1] + i), load<Floats>(rows[2] + i));
    bits.updated |= std::uint64_t(lane_bits(s.updated)) << i;
    bits.near |= std::uint64_t(lane_bits(s.near)) << i;
  }
  const std::uint64_t all = boxes.count < 64 ? (std::uint64_t(1) << boxes.count) - 1 : ~std::uint64_t(0);
  return {bits.updated & all, bits.near & all};
}

constexpr int kLayer = kBlock * kBlock;

void update_block(const Rule<Floats>& rule, float truncation, const BlockView& view, const BlockVoxels& block) {
  for (int z = 0; z < kBlock; ++z) {
    const LayerView layer = layer_view(view, z);
    Sighting<Floats> sightings[kLayer / kLanes];
    Ints seen{};
    FASTCV_UNROLL  // so that what the layers share is computed once
        for (int k = 0; k < kLayer / kLanes; ++k) {
      sightings[k] = look_at<Floats>(view, layer, truncation, k * kLanes);
      seen |= sightings[k].seen;
    }
    if (!any(seen)) continue;
    FASTCV_UNROLL
    for (int k = 0; k < kLayer / kLanes; ++k) average(rule, view, sightings[k], z * kLayer + k * kLanes, block);
  }
}

}  // namespace

void find_parts(const Fusion& fusion, const BlockNumber& low, int level, const std::int32_t* frames, std::int64_t count,
                std::uint64_t* parts) {
  const double extent = double(kBlock / 8 * (std::int64_t(1) << level));  // half of a part's side, in voxels
  Boxes boxes;
  for (double& half : boxes.half) half = extent - 0.5;
  for (int part = 0; part < 64; ++part) {
    const BlockNumber block = part_of(part_of(low, level, part >> 3), level - 1, part & 7);
    const auto place = [&](int axis) { return kBlock * double(block.zyx[2 - axis]) + extent; };
    boxes.add(place(0), place(1), place(2));
  }
  for (std::int64_t i = 0; i < count; ++i) parts[i] = look_at(fusion, frames[i], boxes).near;
}

std::int32_t first_in_band(const Fusion& fusion, const std::int32_t* block, const std::int32_t* frames,
                           std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const BlockView view = block_view(fusion.frames, frames[i], block);
    for (int z = 0; z < kBlock; ++z) {
      const LayerView layer = layer_view(view, z);
      Ints found{};
      FASTCV_UNROLL
      for (int k = 0; k < kLayer; k += kLanes) found |= in_band<Floats>(view, layer, fusion.truncation, k);
      if (any(found)) return frames[i];
    }
  }
  return -1;
}

void integrate_group(const Fusion& fusion, const std::int32_t* blocks, int count, const std::int32_t* first_frames,
                     const BlockVoxels& voxels) {
  const Rule<Floats> rule(fusion);
  constexpr std::int64_t kFrames = 16;  // of which is known at a time which blocks they see
  Boxes boxes;
  for (double& half : boxes.half) half = 0.5 * kBlock - 0.5;
  for (int i = 0; i < count; ++i) {
    const auto place = [&](int axis) { return kBlock * (double(blocks[3 * i + 2 - axis]) + 0.5); };
    boxes.add(place(0), place(1), place(2));
  }
  for (std::int64_t begin = 0; begin < fusion.frames.count; begin += kFrames) {
    const std::int64_t end = begin + kFrames < fusion.frames.count ? begin + kFrames : fusion.frames.count;
    std::uint64_t seen[kFrames];
    for (std::int64_t f = begin; f < end; ++f) seen[f - begin] = look_at(fusion, f, boxes).updated;
    for (int i = 0; i < count; ++i) {
      for (std::int64_t f = begin > first_frames[i] ? begin : first_frames[i]; f < end; ++f) {
        if (seen[f - begin] >> i & 1) {
          update_block(rule, fusion.truncation, block_view(fusion.frames, f, blocks + 3 * i), voxels.block(i));
        }
      }
    }
  }
}

}  // namespace fastcv::FASTCV_ISA::voxels
