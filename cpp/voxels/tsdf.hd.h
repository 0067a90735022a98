// SPDX-License-Identifier: Apache-2.0
// What a frame says of voxels: Curless & Levoy 1996, "A volumetric method for building complex models from range
// images", with the projective distance of Newcombe et al. 2011, "KinectFusion".
#pragma once

#include "core/lane_access.hd.h"
#include "voxels/tsdf.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD float load_lanes(float, const float* from) { return *from; }
FASTCV_HD void store_lanes(float* to, float value) { *to = value; }
FASTCV_HD std::int32_t lane_numbers(float, std::int32_t first) { return first; }
#ifndef __CUDACC__
FASTCV_HD Floats load_lanes(Floats, const float* from) { return load<Floats>(from); }
FASTCV_HD void store_lanes(float* to, Floats value) { store(to, value); }
FASTCV_HD Ints lane_numbers(Floats, std::int32_t first) { return first + lane_indices(); }
#endif

// A frame, and how the voxels of one block project into it: relative to the block's first voxel, whose place is
// computed in double precision, single precision is exact to some millionths of a voxel wherever the block lies.
struct BlockView {
  float first[3], step[3][3];  // (u w, v w, w) of the first voxel, and what a voxel along x, y, z adds
  float width, height;
  std::int32_t stride;
  const float* depths;
  const std::int32_t* colors;
  const float* weights;
};

FASTCV_HD BlockView block_view(const voxels::DepthFrames& frames, std::int64_t frame, const std::int32_t* block) {
  const std::int64_t offset = frame * frames.height * frames.width;
  BlockView view{{},
                 {},
                 static_cast<float>(frames.width),
                 static_cast<float>(frames.height),
                 static_cast<std::int32_t>(frames.width),
                 frames.depths + offset,
                 frames.colors ? frames.colors + offset : nullptr,
                 frames.weights ? frames.weights + offset : nullptr};
  for (int r = 0; r < 3; ++r) {
    const double* m = frames.image_from_voxel + 12 * frame + 4 * r;
    double first = m[3];
    for (int axis = 0; axis < 3; ++axis) {
      first += m[axis] * (voxels::kBlock * double(block[2 - axis]) + 0.5);
      view.step[r][axis] = static_cast<float>(m[axis]);
    }
    view.first[r] = static_cast<float>(first);
  }
  return view;
}

// A layer of a block, of one z: the rows at its first voxel.
struct LayerView {
  float first[3];
};
FASTCV_HD LayerView layer_view(const BlockView& view, int z) {
  LayerView layer;
  for (int r = 0; r < 3; ++r) layer.first[r] = view.first[r] + view.step[r][2] * static_cast<float>(z);
  return layer;
}

// What a frame shows at voxels of a layer, numbered x first, then y: where `seen`, they lie at most the truncation
// behind it. This decides, for every instruction set: each lane adds z, y, x in this order.
template <class F>
struct Sighting {
  MaskOf<F> seen;
  IntOf<F> pixel;
  F distance;  // of the surface along the camera's z axis, beyond the voxel
};
template <class F>
FASTCV_HD Sighting<F> look_at(const BlockView& view, const LayerView& layer, float truncation, std::int32_t voxel) {
  const auto voxels = lane_numbers(F(), voxel);
  const F x = to_float(voxels & 7), y = to_float(voxels >> 3);
  const auto row = [&](int r) { return layer.first[r] + view.step[r][1] * y + view.step[r][0] * x; };
  const F w = row(2), inverse = 1 / w, u = row(0) * inverse, v = row(1) * inverse;
  const auto inside = (w > 0) & (u >= 0) & (v >= 0) & (u < view.width) & (v < view.height);
  const F zero{};
  const IntOf<F> pixel = to_int(select(inside, v, zero)) * view.stride + to_int(select(inside, u, zero));
  const F distance = gather(view.depths, pixel) - w;
  return {MaskOf<F>(inside & (distance >= -truncation)), pixel, distance};
}

template <class F>
FASTCV_HD MaskOf<F> in_band(const BlockView& view, const LayerView& layer, float truncation, std::int32_t voxel) {
  const Sighting<F> s = look_at<F>(view, layer, truncation, voxel);
  return MaskOf<F>(s.seen & (s.distance <= truncation));
}

// What a fusion says to all voxels, in lanes: as values of its own that no store to a voxel can change.
template <class F>
struct Rule {
  F truncation, weight, max_weight;
  FASTCV_HD explicit Rule(const voxels::Fusion& fusion)
      : truncation(F{} + fusion.truncation), weight(F{} + fusion.weight), max_weight(F{} + fusion.max_weight) {}
};

// Running weighted means of distance and colour (Curless & Levoy 1996, eqs. 3 and 4, frame by frame). first_voxel: of
// the block.
template <class F>
FASTCV_HD void average(const Rule<F>& rule, const BlockView& view, const Sighting<F>& s, std::int32_t first_voxel,
                       const voxels::BlockVoxels& block) {
  const F zero{}, value = smaller(s.distance, rule.truncation);
  const F weight = view.weights ? gather(view.weights, s.pixel) : rule.weight;
  const F old_weight = load_lanes(F(), block.weights + first_voxel), sum = old_weight + weight;
  const F share = select(s.seen, weight / sum, zero);
  const auto move = [&](float* mean, F now) {
    const F old = load_lanes(F(), mean);
    store_lanes(mean, select(s.seen, old + (now - old) * share, old));
  };
  move(block.values + first_voxel, value);
  store_lanes(block.weights + first_voxel, select(s.seen, smaller(sum, rule.max_weight), old_weight));
  if (!block.colors) return;
  const IntOf<F> rgb = gather(view.colors, s.pixel);
  for (int c = 0; c < 3; ++c) {
    move(block.colors + c * voxels::kBlockVoxels + first_voxel, to_float((rgb >> (8 * c)) & 255));
  }
}

// One voxel each, as a GPU does it: voxel i of all blocks side by side, by all frames from its block's first one on.
struct IntegrateVoxel {
  voxels::Fusion fusion;
  Rows<const std::int32_t, 3> blocks;
  View<const std::int32_t, 1> first_frames;  // of the last blocks
  voxels::BlockVoxels voxels;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t block = i / voxels::kBlockVoxels, num_old = blocks.rows - first_frames.shape[0];
    const auto voxel = static_cast<std::int32_t>(i % voxels::kBlockVoxels);
    for (std::int64_t f = block < num_old ? 0 : first_frames(block - num_old); f < fusion.frames.count; ++f) {
      const BlockView view = block_view(fusion.frames, f, blocks[block]);
      const Sighting<float> s = look_at<float>(view, layer_view(view, voxel >> 6), fusion.truncation, voxel & 63);
      if (s.seen) average(Rule<float>(fusion), view, s, voxel, voxels.block(block));
    }
  }
};
// The first frame that has a voxel in its band; -1 for none.
struct FirstInBand {
  voxels::Fusion fusion;
  const voxels::BlockNumber* blocks;

  FASTCV_HD std::int32_t operator()(std::int64_t i) const {
    const std::int64_t block = i / voxels::kBlockVoxels;
    const auto voxel = static_cast<std::int32_t>(i % voxels::kBlockVoxels);
    for (std::int64_t f = 0; f < fusion.frames.count; ++f) {
      const BlockView view = block_view(fusion.frames, f, blocks[block].zyx);
      if (in_band<float>(view, layer_view(view, voxel >> 6), fusion.truncation, voxel & 63))
        return static_cast<std::int32_t>(f);
    }
    return -1;
  }
};

}  // namespace fastcv::FASTCV_ISA
