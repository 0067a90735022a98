// SPDX-License-Identifier: Apache-2.0
// Packs masks into tiles and sums them, as carving wants them.
#pragma once

#include "voxels/carving.h"

namespace fastcv::voxels {

// One mask: a byte a pixel; which byte marks pixels that are not of the image (-1: none does).
struct Mask {
  View<const std::uint8_t, 2> pixels;
  std::int32_t outside;
};

// layout, words, sums: as in Silhouettes.
void pack_masks(const Mask* masks, Rows<const std::int64_t, kLayout> layout, std::int32_t* words, std::int64_t* sums,
                int num_threads);

}  // namespace fastcv::voxels
