// SPDX-License-Identifier: Apache-2.0
// Space carving by photo-consistency: rounds of looking, judging and taking away, each of them over threads.
#pragma once

#include "voxels/photographs.h"

namespace fastcv::voxels {

// (H, W, 3) RGB to pixels as Photographs has them.
void pack_photograph(View<const std::uint8_t, 3> image, std::int32_t* pixels, int num_threads);

// Follows the rays of a view's pixels on to the first occupied voxel. geometry: of that view; states: of the grid's
// voxels; voxels, depths: what the view's pixels see, (height, width); changed: of the view's tiles, set to 1.
void cast_rays(const double* geometry, View<const std::uint8_t, 3> states, View<std::int64_t, 2> voxels, float* depths,
               std::uint8_t* changed, int num_threads);

// Sets touched[block] to 1 where voxels may be seen by other pixels than before.
void touch_blocks(const Photographs& photos, const std::int64_t* shape, const std::uint8_t* changed,
                  std::uint8_t* touched, int num_threads);

// marks: 1 for the exposed voxels of touched blocks that are inconsistent and not held. counts: how many in every
// layer.
void judge_voxels(const Photographs& photos, const Consistency& rule, const float* depths,
                  View<const std::uint8_t, 3> states, const std::uint8_t* touched, std::uint8_t* marks,
                  std::int64_t* counts, int num_threads);

// Holds the marked voxels that a view's pixels see and without which they would see none.
void hold_rays(const double* geometry, View<std::uint8_t, 3> states, const std::uint8_t* marks,
               View<const std::int64_t, 2> voxels, int num_threads);

// Takes away what is marked and not held, of the touched blocks, and unmarks all. counts: how many in every layer;
// touches: set to 1 for the blocks that lie next to them.
void take_voxels(View<std::uint8_t, 3> states, const std::uint8_t* touched, std::uint8_t* marks, std::int64_t* counts,
                 std::uint8_t* touches, int num_threads);

// What every view sees of some voxels, before gains: colors (voxels, views, 3), mean levels; shares (voxels, views),
// how much of the footprint the view sees.
void observe_voxels(const Photographs& photos, const float* depths, const std::int64_t* shape,
                    View<const std::int64_t, 1> voxels, float* colors, float* shares, int num_threads);

}  // namespace fastcv::voxels
