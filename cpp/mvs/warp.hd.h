// SPDX-License-Identifier: Apache-2.0
// What a source view shows of one reference pixel on one plane, as a word that window sums can add up.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/sweep.h"

namespace fastcv::FASTCV_ISA {

// Samples are integers, so that window sums are exact and do not depend on the order of summation: running sums, other
// vector widths and a GPU's tiles all give the same costs. A grey level is 4 units; 0 is the middle grey, 128.
constexpr std::int32_t kUnitsPerLevel = 4;

// NCC words: sample in the low half, in the high half kOutOfView where the source does not see the point. A window sum
// of dot_halves(word, kCountOutOfView) is the sum of the samples where every one is in view, else at least kNotSeen.
constexpr std::int32_t kOutOfView = 64 << 16, kCountOutOfView = 1 | (1 << 30), kNotSeen = 1 << 19;
// SAD words: absolute difference summed over channels, or kSadNotSeen, which exceeds the sum of any window in view (and
// turns the sum negative where more than half of the largest window is out of view).
constexpr std::int32_t kSadNotSeen = 1 << 22;

// The part of the projection that is constant along a row of the reference.
struct WarpRow {
  float x, y, z;
};
FASTCV_HD WarpRow warp_row(const mvs::SweepSource& s, float y, float inverse_depth) {
  return {(s.rotation[1] * y + s.rotation[2]) + s.translation[0] * inverse_depth,
          (s.rotation[4] * y + s.rotation[5]) + s.translation[1] * inverse_depth,
          (s.rotation[7] * y + s.rotation[8]) + s.translation[2] * inverse_depth};
}

// A position in a packed image: word index and the bilinear weights in 128ths of a pixel.
template <class F>
struct Position {
  IntOf<F> index, fx, fy;
  MaskOf<F> in_view;
};

template <class F>
FASTCV_HD Position<F> warp(const mvs::SweepSource& s, const WarpRow& row, F x) {
  const F inv_z = 1.0F / (s.rotation[6] * x + row.z);
  const F u = (s.rotation[0] * x + row.x) * inv_z, v = (s.rotation[3] * x + row.y) * inv_z;
  // NaN compares false. A point behind the source has inv_z < 0.
  const MaskOf<F> in_view =
      (inv_z > 0.0F) & (u >= 0.0F) & (u <= float(s.image.width - 1)) & (v >= 0.0F) & (v <= float(s.image.height - 1));
  const auto iu = to_int(select(in_view, u, F{}) * 128.0F + 0.5F), iv = to_int(select(in_view, v, F{}) * 128.0F + 0.5F);
  return {(iv >> 7) * (s.image.width + 1) + (iu >> 7), iu & 127, iv & 127, in_view};
}

template <class F>
FASTCV_HD IntOf<F> sample(const std::int32_t* words, const Position<F>& p) {
  return (bilinear_bytes(gather(words, p.index), p.fx, p.fy) + (1 << 11)) >> 12;
}

// A reference pixel in the units of sample().
template <class I>
FASTCV_HD I reference_sample(I word) {
  return ((word << 24) >> 24) * kUnitsPerLevel;
}

template <class F>
FASTCV_HD IntOf<F> ncc_word(const mvs::SweepSource& s, const Position<F>& p) {
  return select(p.in_view, sample<F>(s.image.words, p) & 0xffff, IntOf<F>{} + kOutOfView);
}

// reference: the reference's samples of this pixel, one per channel.
template <int Channels, class F>
FASTCV_HD IntOf<F> sad_word(const mvs::SweepSource& s, const Position<F>& p, const IntOf<F>* reference,
                            std::int32_t truncation) {
  const std::int64_t plane = (s.image.height + std::int64_t(1)) * (s.image.width + 1);
  IntOf<F> sum{};
  for (int c = 0; c < Channels; ++c) {
    const IntOf<F> difference = sample<F>(s.image.words + c * plane, p) - reference[c];
    sum += larger(difference, -difference);
  }
  return select(p.in_view, smaller(sum, IntOf<F>{} + truncation), IntOf<F>{} + kSadNotSeen);
}

}  // namespace fastcv::FASTCV_ISA
