// SPDX-License-Identifier: Apache-2.0
// The depth of one pixel from smoothed costs, the same on every processor.
#pragma once

#include "mvs/smoothing.h"
#include "mvs/sweep_pixel.hd.h"

namespace fastcv::FASTCV_ISA {

// Whether some source sees the point of a reference pixel on a surface. Paths carry costs to where there are none, so
// the window of the pixel need not be in view.
FASTCV_HD bool is_seen_by_any(const mvs::Sweep& s, std::int64_t index, std::int64_t x, std::int64_t y) {
  for (int k = 0; k < s.num_sources; ++k) {
    const Position<float> p = source_position(s, k, surface_warp(s, k, index), x, y);
    const mvs::PackedImage& image = s.sources[k].image;
    if (is_seen<float>(image, image.words[p.index], p)) return true;
  }
  return false;
}

FASTCV_HD WinnerPixel finish_smooth(const mvs::Sweep& s, const Winner<float>& winner, std::int64_t x, std::int64_t y) {
  if (!is_usable(s.reference, x, y) || !is_seen_by_any(s, winner.surface, x, y)) {
    return {0.0F, 0.0F, __builtin_nanf("")};
  }
  return finish_winner(winner, s.hypotheses.num, [&](std::int64_t k) {
    return inverse_depth(s.hypotheses, k, s.reference.height, s.reference.width, x, y);
  });
}

}  // namespace fastcv::FASTCV_ISA
