// SPDX-License-Identifier: Apache-2.0
// The sweep of one pixel without sharing anything with its neighbours: the oracle of the tiled kernels.
#pragma once

#include "mvs/match_cost.hd.h"
#include "mvs/plane_sweep.h"
#include "mvs/warp.hd.h"
#include "mvs/winner.hd.h"

namespace fastcv::FASTCV_ISA {

// Over the pixels of a window that the reference has.
struct WindowSums {
  std::int32_t sum = 0, squares = 0, products = 0, reference_sum = 0, reference_squares = 0, count = 0;
  std::int32_t highest = -kCensusNotSeen;  // census word of the source; `sum` counts what differs
};

// Whether the reference has a pixel that may be used.
FASTCV_HD bool is_usable(const mvs::PackedImage& image, std::int64_t x, std::int64_t y) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return false;
  return !(image.masked && static_cast<std::int8_t>(*pixel_words(image, x, y)) == mvs::kMaskedByte);
}

// Sample of a usable reference pixel, unless it has a colour.
FASTCV_HD std::int32_t reference_sample(const mvs::Sweep& s, std::int64_t x, std::int64_t y) {
  return reference_sample(s.cost, *pixel_words(s.reference, x, y));
}

// How one surface maps the reference to one source.
struct SurfaceWarp {
  Homography h;
  std::int64_t index;
  bool folded;
};
FASTCV_HD SurfaceWarp surface_warp(const mvs::Sweep& s, int source, std::int64_t index) {
  const bool folded = is_plane(s.hypotheses, index, s.reference.height, s.reference.width);
  return {homography(s.sources[source], s.hypotheses, index, folded), index, folded};
}

// Where a reference pixel falls in one source.
FASTCV_HD Position<float> source_position(const mvs::Sweep& s, int source, const SurfaceWarp& surface, std::int64_t x,
                                          std::int64_t y) {
  const mvs::PackedImage& image = s.sources[source].image;
  const WarpRow row = warp_row(surface.h, float(y));
  return surface.folded
             ? warp<float>(image, surface.h, row, float(x))
             : warp<float>(image, surface.h, row, float(x),
                           inverse_depth(s.hypotheses, surface.index, s.reference.height, s.reference.width, x, y));
}

// The word of one usable reference pixel in one source, see warp.hd.h; for gradients it is the census word.
template <int Channels>
FASTCV_HD std::int32_t source_word(const mvs::Sweep& s, int source, const SurfaceWarp& surface, std::int64_t x,
                                   std::int64_t y) {
  const mvs::PackedImage& image = s.sources[source].image;
  const Position<float> p = source_position(s, source, surface, x, y);
  if (s.cost == mvs::MatchCost::ncc) return ncc_word<float>(image, p);
  if (s.cost != mvs::MatchCost::sad) return census_word<float>(image, p);
  if constexpr (Channels == 3) {
    std::int16_t color[kColorValues];
    unpack_color(pixel_words(s.reference, x, y), color);
    return color_sad_word<float>(image, p, &p.index, color, s.truncation);
  } else {
    return sad_word<float>(image, p, reference_sample(s, x, y), s.truncation);
  }
}

// What a pixel adds to a window's sums. center_word and center_sample: of the window's centre, for census.
FASTCV_HD void add_word(mvs::MatchCost cost, std::int32_t word, std::int32_t reference, std::int32_t center_word,
                        std::int32_t center_sample, WindowSums& w) {
  ++w.count;
  w.highest = larger(w.highest, word);
  if (cost == mvs::MatchCost::census) {
    w.sum += (word < center_word) != (reference < center_sample);
  } else if (cost == mvs::MatchCost::ncc) {
    w.sum += dot_halves(word, kCountOutOfView);
    w.squares += dot_halves(word, word);
    w.products += dot_halves(word, reference & 0xffff);
    w.reference_sum += reference;
    w.reference_squares += reference * reference;
  } else {
    w.sum = wrapping_sum(w.sum, word);
  }
}

// A source's cost from the sums over the window, which is clipped to the reference.
template <int Channels>
FASTCV_HD float window_cost(const mvs::Sweep& s, const WindowSums& w) {
  const float count = float(w.count);
  switch (s.cost) {
    case mvs::MatchCost::ncc:
      return ncc_cost<float>(reference_window<float>(count, w.reference_sum, w.reference_squares), w.sum, w.squares,
                             w.products);
    case mvs::MatchCost::census:
      return census_cost<float>(w.sum, 1.0F / (count - 1.0F), w.highest);
    default:
      return sad_cost<float>(w.sum, sad_scale(count, Channels));
  }
}

// The gradient word of a usable pixel; word(x, y) and sample(x, y) are census words and samples, clipped ones for
// pixels that the reference lacks.
template <class Word, class Sample>
FASTCV_HD std::int32_t gradient_at(const mvs::Sweep& s, std::int64_t x, std::int64_t y, const Word& word,
                                   const Sample& sample) {
  const auto cross = [x, y](const auto& of) {
    return Cross<std::int32_t>{of(x - 1, y), of(x + 1, y), of(x, y - 1), of(x, y + 1)};
  };
  return gradient_word<float>(cross(word), word(x, y), cross(sample), s.truncation);
}

template <int Channels>
struct SweepPixel {
  mvs::Sweep s;

  FASTCV_HD float source_cost(int source, std::int64_t index, std::int64_t x, std::int64_t y) const {
    const SurfaceWarp surface = surface_warp(s, source, index);
    const auto word = [&](std::int64_t u, std::int64_t v) {
      return is_usable(s.reference, u, v) ? source_word<Channels>(s, source, surface, u, v) : kCensusClipped;
    };
    const auto sample = [&](std::int64_t u, std::int64_t v) {
      return is_usable(s.reference, u, v) ? reference_sample(s, u, v) : kCensusClipped;
    };
    WindowSums w;
    for (std::int64_t v = y - s.window / 2; v <= y + s.window / 2; ++v) {
      for (std::int64_t u = x - s.window / 2; u <= x + s.window / 2; ++u) {
        if (!is_usable(s.reference, u, v)) continue;
        const std::int32_t added = s.cost == mvs::MatchCost::gradient ? gradient_at(s, u, v, word, sample) : word(u, v);
        add_word(s.cost, added, sample(u, v), word(x, y), sample(x, y), w);
      }
    }
    return window_cost<Channels>(s, w);
  }

  FASTCV_HD void operator()(std::int64_t index, std::int64_t x, std::int64_t y, float& cost,
                            std::uint8_t* num_seen) const {
    CostList<float> list;
    std::int32_t seen = 0;
    const bool usable = is_usable(s.reference, x, y);
    for (int k = 0; usable && k < s.num_sources; ++k) {
      const float of_source = source_cost(k, index, x, y);
      add_cost(s, k, of_source, list);
      seen += one_if_seen(of_source);
    }
    cost = usable ? mean_cost<float>(s, list) : __builtin_nanf("");
    if (num_seen != nullptr) *num_seen = static_cast<std::uint8_t>(seen);
  }
};

}  // namespace fastcv::FASTCV_ISA
