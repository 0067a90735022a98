// SPDX-License-Identifier: Apache-2.0
// The sweep of one pixel without sharing anything with its neighbours: the oracle of the tiled kernels.
#pragma once

#include "mvs/match_cost.hd.h"
#include "mvs/plane_sweep.h"
#include "mvs/warp.hd.h"
#include "mvs/winner.hd.h"

namespace fastcv::FASTCV_ISA {

struct WindowSums {
  std::int32_t sum = 0, squares = 0, products = 0, reference_sum = 0, reference_squares = 0, count = 0;
};

// Samples of a reference pixel, one per channel.
template <int Channels>
FASTCV_HD void reference_samples(const mvs::Sweep& s, std::int64_t x, std::int64_t y, std::int32_t* samples) {
  const std::int64_t row = s.reference.width + std::int64_t(1), plane = row * (s.reference.height + 1);
  for (int c = 0; c < Channels; ++c) samples[c] = reference_sample(s.cost, s.reference.words[c * plane + y * row + x]);
}

// The word of one reference pixel in one source on one plane, see warp.hd.h.
template <int Channels>
FASTCV_HD std::int32_t source_word(const mvs::Sweep& s, const mvs::SweepSource& source, float inverse_depth,
                                   std::int64_t x, std::int64_t y, const std::int32_t* reference) {
  const Position<float> p = warp<float>(source, warp_row(source, float(y), inverse_depth), float(x));
  if (s.cost == mvs::MatchCost::ncc) return ncc_word<float>(source, p);
  return sad_word<Channels, float>(source, p, reference, s.truncation);
}

// A source's cost from the sums over the window, which is clipped to the reference.
template <int Channels>
FASTCV_HD float window_cost(const mvs::Sweep& s, const WindowSums& w) {
  const float count = float(w.count);
  if (s.cost == mvs::MatchCost::sad)
    return sad_cost<float>(w.sum, 1.0F / (count * float((255 << kSadBits) * Channels)));
  return ncc_cost<float>(reference_window<float>(count, w.reference_sum, w.reference_squares), w.sum, w.squares,
                         w.products);
}

template <int Channels>
struct SweepPixel {
  mvs::Sweep s;

  FASTCV_HD float source_cost(const mvs::SweepSource& source, float inverse_depth, std::int64_t x,
                              std::int64_t y) const {
    WindowSums w;
    for (std::int64_t v = y - s.window / 2; v <= y + s.window / 2; ++v) {
      for (std::int64_t u = x - s.window / 2; u <= x + s.window / 2; ++u) {
        if (v < 0 || u < 0 || v >= s.reference.height || u >= s.reference.width) continue;
        std::int32_t reference[Channels];
        reference_samples<Channels>(s, u, v, reference);
        add_word(s.cost, source_word<Channels>(s, source, inverse_depth, u, v, reference), reference[0], w);
      }
    }
    return window_cost<Channels>(s, w);
  }

  FASTCV_HD static void add_word(mvs::MatchCost cost, std::int32_t word, std::int32_t reference, WindowSums& w) {
    ++w.count;
    if (cost == mvs::MatchCost::sad) {
      w.sum += word;
      return;
    }
    w.sum += dot_halves(word, kCountOutOfView);
    w.squares += dot_halves(word, word);
    w.products += dot_halves(word, reference & 0xffff);
    w.reference_sum += reference;
    w.reference_squares += reference * reference;
  }

  FASTCV_HD float cost(float inverse_depth, std::int64_t x, std::int64_t y) const {
    CostList<float> list;
    for (int k = 0; k < s.num_sources; ++k) add_cost(s, k, source_cost(s.sources[k], inverse_depth, x, y), list);
    return mean_cost<float>(s, list);
  }
};

}  // namespace fastcv::FASTCV_ISA
