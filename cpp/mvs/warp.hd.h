// SPDX-License-Identifier: Apache-2.0
// What a source view shows of one reference pixel on one surface, as a word that windows can add up or compare.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/color_lanes.hd.h"
#include "mvs/hypotheses.hd.h"
#include "mvs/sweep.h"

namespace fastcv::FASTCV_ISA {

// Samples are integers, so that window sums are exact and do not depend on the order of summation: running sums, other
// vector widths and a GPU's tiles all give the same costs. 0 is the middle grey, 128; a grey level is 2^bits units, as
// many as the sums of the largest window have room for. Of the reference, NCC takes whole levels.
constexpr int kNccBits = 3, kSadBits = 2;

// NCC words: sample in the low half, in the high half kOutOfView where the source does not see the point. A window sum
// of dot_halves(word, kCountOutOfView) is the sum of the samples where every one is in view, else at least kNotSeen.
constexpr std::int32_t kOutOfView = 128 << 16, kCountOutOfView = 1 | (1 << 30), kNotSeen = 1 << 20;
// SAD words, of gradients too: absolute difference summed over channels, or kSadNotSeen, which exceeds the sum of any
// window in view (and turns the sum negative where more than half of the largest window is out of view).
constexpr std::int32_t kSadNotSeen = 1 << 22;
// Census words are samples in units of 2^-kNccBits levels, or one of these, both above every sample.
constexpr std::int32_t kCensusClipped = 1 << 14, kCensusNotSeen = 1 << 15;

// Pixels of the reference to homogeneous pixels of a source: m (x, y, 1) + step * inverse depth, m row-major.
struct Homography {
  float m[9], step[3];
};

// Of one plane in front of the reference, its inverse depth is folded in and step is 0; of other surfaces it is not.
FASTCV_HD Homography homography(const mvs::SweepSource& s, const mvs::Hypotheses& h, std::int64_t index, bool folded) {
  Homography result;
  const float* plane = h.planes + 3 * index;
  for (int i = 0; i < 9; ++i) {
    result.m[i] = folded ? s.rotation[i] + s.translation[i / 3] * plane[i % 3] : s.rotation[i];
  }
  for (int i = 0; i < 3; ++i) result.step[i] = folded ? 0.0F : s.translation[i];
  return result;
}

// The part that is constant along a row of the reference.
struct WarpRow {
  float x, y, z;
};
FASTCV_HD WarpRow warp_row(const Homography& h, float y) {
  return {h.m[1] * y + h.m[2], h.m[4] * y + h.m[5], h.m[7] * y + h.m[8]};
}

// Positions are rounded to 128ths of a pixel.
constexpr int kPositionBits = 7;
constexpr float kPositionsPerPixel = 1 << kPositionBits;

// Points nearer than this to a source's own plane (in scene units) are out of its view.
constexpr float kMinDepth = 1e-20F;

// A position in a packed image: which pixel, and the weights of its neighbours in 128ths: bytes 128 - fy, fy, fx, and 0
// or, where it is out of view, -1.
template <class F>
struct Position {
  IntOf<F> index, weights;
  FASTCV_HD MaskOf<F> in_view() const { return weights >= 0; }
};

// Where a homogeneous pixel of a source falls.
template <class F>
FASTCV_HD Position<F> position(const mvs::PackedImage& image, F x, F y, F z) {
  // Adding this rounds to the nearest integer and leaves it in the low bits, for all that lies in an image.
  constexpr float kRound = 0x1.8p23F;
  constexpr std::int32_t kRoundBits = 0x4b400000, kFraction = (1 << kPositionBits) - 1;
  static_assert(mvs::kMaxSide << kPositionBits <= 1 << 22);
  const F scale = kPositionsPerPixel / z;
  const IntOf<F> u = wrapping_difference(bits_of(x * scale + kRound), kRoundBits);
  const IntOf<F> v = wrapping_difference(bits_of(y * scale + kRound), kRoundBits);
  const MaskOf<F> in_view = (z > kMinDepth) & at_most_unsigned(u, (image.width - 1) << kPositionBits) &
                            at_most_unsigned(v, (image.height - 1) << kPositionBits);
  // (v >> 7) * (width + 1) + (u >> 7): both halves in one multiplication, for sides are below 2^15.
  const IntOf<F> halves = ((v << (16 - kPositionBits)) & -0x10000) | (u >> kPositionBits);
  const IntOf<F> index = dot_halves(halves, IntOf<F>{} + (((image.width + 1) << 16) | 1));
  const IntOf<F> weights = dot_halves(v & kFraction, IntOf<F>{} + 255) + 128 + ((u & kFraction) << 16);
  return {select(in_view, index, IntOf<F>{}), select(in_view, weights, IntOf<F>{} - 1)};
}

// On a folded plane.
template <class F>
FASTCV_HD Position<F> warp(const mvs::PackedImage& image, const Homography& h, const WarpRow& row, F x) {
  return position<F>(image, h.m[0] * x + row.x, h.m[3] * x + row.y, h.m[6] * x + row.z);
}
template <class F>
FASTCV_HD Position<F> warp(const mvs::PackedImage& image, const Homography& h, const WarpRow& row, F x,
                           F inverse_depth) {
  return position<F>(image, h.m[0] * x + row.x + h.step[0] * inverse_depth,
                     h.m[3] * x + row.y + h.step[1] * inverse_depth, h.m[6] * x + row.z + h.step[2] * inverse_depth);
}

// Of four packed pixels, rounded to the nearest unit.
template <int Bits, class F>
FASTCV_HD IntOf<F> sample(IntOf<F> quad, const Position<F>& p) {
  constexpr int kShift = 14 - Bits;
  return (bilinear_bytes(quad, p.weights) + (1 << (kShift - 1))) >> kShift;
}

// In view, and none of the four pixels masked.
template <class F>
FASTCV_HD MaskOf<F> is_seen(const mvs::PackedImage& image, IntOf<F> quad, const Position<F>& p) {
  if (!image.masked) return p.in_view();
  return p.in_view() & has_no_lowest_byte(quad);
}

FASTCV_HD const std::int32_t* pixel_words(const mvs::PackedImage& image, std::int64_t x, std::int64_t y) {
  return image.words + (y * (image.width + 1) + x) * image.words_per_pixel;
}

FASTCV_HD std::int32_t reference_sample(mvs::MatchCost cost, std::int32_t word) {
  const std::int32_t level = static_cast<std::int8_t>(word);
  switch (cost) {
    case mvs::MatchCost::sad:
      return level * (1 << kSadBits);
    case mvs::MatchCost::ncc:
      return level;
    default:
      return level * (1 << kNccBits);
  }
}

template <class F>
FASTCV_HD IntOf<F> ncc_word(const mvs::PackedImage& image, const Position<F>& p) {
  const IntOf<F> quad = gather(image.words, p.index);
  return select(is_seen<F>(image, quad, p), sample<kNccBits, F>(quad, p) & 0xffff, IntOf<F>{} + kOutOfView);
}

template <class F>
FASTCV_HD IntOf<F> census_word(const mvs::PackedImage& image, const Position<F>& p) {
  const IntOf<F> quad = gather(image.words, p.index);
  return select(is_seen<F>(image, quad, p), sample<kNccBits, F>(quad, p), IntOf<F>{} + kCensusNotSeen);
}

template <class F>
FASTCV_HD IntOf<F> sad_word(const mvs::PackedImage& image, const Position<F>& p, IntOf<F> reference,
                            std::int32_t truncation) {
  const IntOf<F> quad = gather(image.words, p.index), difference = sample<kSadBits, F>(quad, p) - reference;
  const IntOf<F> value = smaller(larger(difference, -difference), IntOf<F>{} + truncation);
  return select(is_seen<F>(image, quad, p), value, IntOf<F>{} + kSadNotSeen);
}

// index: where p.index is stored. reference: see color_lanes.hd.h.
template <class F>
FASTCV_HD IntOf<F> color_sad_word(const mvs::PackedImage& image, const Position<F>& p, const std::int32_t* index,
                                  const std::int16_t* reference, std::int32_t truncation) {
  constexpr int kShift = kColorBits - kSadBits;
  const IntOf<F> sum = color_difference(image.words, index, p.weights, reference);
  IntOf<F> value = smaller((sum + (1 << (kShift - 1))) >> kShift, IntOf<F>{} + truncation);
  if (image.masked) {
    const auto whole = has_no_lowest_byte(gather<kColorWords>(image.words, p.index)) &
                       has_no_lowest_byte(gather<kColorWords>(image.words + kColorWords, p.index));
    value = select(whole, value, IntOf<F>{} + kSadNotSeen);
  }
  return select(p.in_view(), value, IntOf<F>{} + kSadNotSeen);
}

// Samples beside, above and below a pixel: census words, or kCensusClipped where the reference has no such pixel.
template <class I>
struct Cross {
  I left, right, above, below;
};

// Half the sum of what the central differences of two images differ by, in the units of SAD; an axis on which the
// reference lacks a neighbour counts nothing. center: of the source, seen or not.
template <class F>
FASTCV_HD IntOf<F> gradient_word(const Cross<IntOf<F>>& source, IntOf<F> center, const Cross<IntOf<F>>& reference,
                                 std::int32_t truncation) {
  using I = IntOf<F>;
  // Units of the samples, over two pixels: 2^(kNccBits + 1) a level and pixel.
  constexpr int kShift = kNccBits + 1 - kSadBits + 1;
  const auto axis = [](I before, I after, I reference_before, I reference_after) {
    const I difference = (after - before) - (reference_after - reference_before);
    const auto both = larger(reference_before, reference_after) < kCensusClipped;
    return select(both, larger(difference, -difference), I{});
  };
  const I sum = axis(source.left, source.right, reference.left, reference.right) +
                axis(source.above, source.below, reference.above, reference.below);
  const I highest = larger(center, larger(larger(source.left, source.right), larger(source.above, source.below)));
  const I value = smaller((sum + (1 << (kShift - 1))) >> kShift, I{} + truncation);
  return select(highest < kCensusNotSeen, value, I{} + kSadNotSeen);
}

}  // namespace fastcv::FASTCV_ISA
