// SPDX-License-Identifier: Apache-2.0
// Space carving by photo-consistency: rounds of looking, judging and taking away, each of them over threads.
#pragma once

#include "voxels/photographs.h"

namespace fastcv::voxels {

// (H, W, 3) RGB to pixels as Photographs has them.
void pack_photograph(View<const std::uint8_t, 3> image, std::int32_t* pixels, int num_threads);

// Follows the rays of a view's pixels on to the first occupied voxel, in tiles that are marked; changed: 1 for those
// where one is another than before. geometry: of that view; states: of the grid's voxels; voxels, depths: what the
// view's pixels see, (height, width); tiles, changed: of the view.
void cast_rays(const double* geometry, View<const std::uint8_t, 3> states, View<std::int64_t, 2> voxels, float* depths,
               const std::uint8_t* tiles, std::uint8_t* changed, int num_threads);

// Sets touched[block] to 1 where a pixel in a changed tile may see a voxel.
void touch_blocks(const Photographs& photos, const std::int64_t* shape, const std::uint8_t* changed,
                  std::uint8_t* touched, int num_threads);

// Sets marks to 1 for the exposed voxels of touched blocks that are inconsistent and not held, and tiles where a pixel
// may see one of them. changed: the tiles whose pixels see others than when voxels were last judged; marks: 1 for
// voxels that went since. counts: how many in every layer.
void judge_voxels(const Photographs& photos, const Consistency& rule, const float* depths,
                  View<const std::uint8_t, 3> states, const std::uint8_t* changed, const std::uint8_t* touched,
                  std::uint8_t* marks, std::uint8_t* tiles, std::int64_t* counts, int num_threads);

// Holds the marked voxels that a view's pixels, in marked tiles, see and without which they would see none.
void hold_rays(const double* geometry, View<std::uint8_t, 3> states, const std::uint8_t* marks,
               View<const std::int64_t, 2> voxels, const std::uint8_t* tiles, int num_threads);

// Takes away what is marked and not held, of the touched blocks; marks: 1 for what went. counts: how many in every
// layer. Sets touches to 1 for the blocks that they lie in or next to.
void take_voxels(View<std::uint8_t, 3> states, const std::uint8_t* touched, std::uint8_t* marks, std::int64_t* counts,
                 std::uint8_t* touches, int num_threads);

// What every view sees of some voxels, before gains: colors (voxels, views, 3), mean levels; shares (voxels, views),
// how much of the footprint the view sees.
void observe_voxels(const Photographs& photos, const float* depths, const std::int64_t* shape,
                    View<const std::int64_t, 1> voxels, float* colors, float* shares, int num_threads);

}  // namespace fastcv::voxels
