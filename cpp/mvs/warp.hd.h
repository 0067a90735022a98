// SPDX-License-Identifier: Apache-2.0
// What a source view shows of one reference pixel on one plane, as a word that window sums can add up.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/sweep.h"

namespace fastcv::FASTCV_ISA {

// Samples are integers, so that window sums are exact and do not depend on the order of summation: running sums, other
// vector widths and a GPU's tiles all give the same costs. 0 is the middle grey, 128; a grey level is 2^bits units, as
// many as the sums of the largest window have room for. Of the reference, NCC takes whole levels.
constexpr int kNccBits = 3, kSadBits = 2;

// NCC words: sample in the low half, in the high half kOutOfView where the source does not see the point. A window sum
// of dot_halves(word, kCountOutOfView) is the sum of the samples where every one is in view, else at least kNotSeen.
constexpr std::int32_t kOutOfView = 128 << 16, kCountOutOfView = 1 | (1 << 30), kNotSeen = 1 << 20;
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

// Positions are rounded to 128ths of a pixel.
constexpr int kPositionBits = 7;
constexpr float kPositionsPerPixel = 1 << kPositionBits;

// Points nearer than this to a source's own plane (in scene units) are out of its view.
constexpr float kMinDepth = 1e-20F;

// A position in a packed image: word index and the bilinear weights in 128ths of a pixel.
template <class F>
struct Position {
  IntOf<F> index, fx, fy;
  MaskOf<F> in_view;
};

template <class F>
FASTCV_HD Position<F> warp(const mvs::SweepSource& s, const WarpRow& row, F x) {
  constexpr std::int32_t kFraction = (1 << kPositionBits) - 1;
  const F z = s.rotation[6] * x + row.z, scale = kPositionsPerPixel / z;
  // Rounded to the nearest: one pixel is added for the conversion, which would round negative numbers up.
  constexpr std::int32_t kPixel = 1 << kPositionBits;
  const IntOf<F> u = to_int((s.rotation[0] * x + row.x) * scale + (0.5F + kPixel)) - kPixel;
  const IntOf<F> v = to_int((s.rotation[3] * x + row.y) * scale + (0.5F + kPixel)) - kPixel;
  const MaskOf<F> in_view = (z > kMinDepth) & at_most_unsigned(u, (s.image.width - 1) << kPositionBits) &
                            at_most_unsigned(v, (s.image.height - 1) << kPositionBits);
  // (v >> 7) * (width + 1) + (u >> 7): both halves in one multiplication, for sides are below 2^15.
  const IntOf<F> halves = ((v << (16 - kPositionBits)) & -0x10000) | (u >> kPositionBits);
  const IntOf<F> index = dot_halves(halves, IntOf<F>{} + (((s.image.width + 1) << 16) | 1));
  return {select(in_view, index, IntOf<F>{}), u & kFraction, v & kFraction, in_view};
}

// Rounded to the nearest unit.
template <int Bits, class F>
FASTCV_HD IntOf<F> sample(const std::int32_t* words, const Position<F>& p) {
  constexpr int kShift = 14 - Bits;
  return (bilinear_bytes(gather(words, p.index), p.fx, p.fy) + (1 << (kShift - 1))) >> kShift;
}

FASTCV_HD std::int32_t reference_sample(mvs::MatchCost cost, std::int32_t word) {
  const std::int32_t level = static_cast<std::int8_t>(word);
  return cost == mvs::MatchCost::ncc ? level : level * (1 << kSadBits);
}

template <class F>
FASTCV_HD IntOf<F> ncc_word(const mvs::SweepSource& s, const Position<F>& p) {
  return select(p.in_view, sample<kNccBits, F>(s.image.words, p) & 0xffff, IntOf<F>{} + kOutOfView);
}

// reference: the reference's samples of this pixel, one per channel.
template <int Channels, class F>
FASTCV_HD IntOf<F> sad_word(const mvs::SweepSource& s, const Position<F>& p, const IntOf<F>* reference,
                            std::int32_t truncation) {
  const std::int64_t plane = (s.image.height + std::int64_t(1)) * (s.image.width + 1);
  IntOf<F> sum{};
  for (int c = 0; c < Channels; ++c) {
    const IntOf<F> difference = sample<kSadBits, F>(s.image.words + c * plane, p) - reference[c];
    sum += larger(difference, -difference);
  }
  return select(p.in_view, smaller(sum, IntOf<F>{} + truncation), IntOf<F>{} + kSadNotSeen);
}

}  // namespace fastcv::FASTCV_ISA
