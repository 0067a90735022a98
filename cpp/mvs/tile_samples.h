// SPDX-License-Identifier: Apache-2.0
// Samples of the reference and of one warped source at a time, over one tile and the margin that its windows need.
#pragma once

#include "mvs/arena.h"
#include "mvs/tile.h"
#include "mvs/warp.hd.h"

namespace fastcv::FASTCV_ISA {

// Rows start at multiples of `stride`; vectors may run past the width into the padding, whose content is never read
// back.
template <mvs::MatchCost Cost, int Channels>
class TileSamples {
 public:
  static constexpr bool kNcc = Cost == mvs::MatchCost::ncc, kSad = Cost == mvs::MatchCost::sad,
                        kGradient = Cost == mvs::MatchCost::gradient;
  // In place of the pixels that the reference lacks: nothing in a sum, and never darker than a window's centre.
  static constexpr std::int32_t kClipped = kNcc || kSad ? 0 : kCensusClipped;

  TileSamples(const mvs::Sweep& sweep, const mvs::Tile& tile, Arena& arena)
      : s_(sweep),
        tile_(tile),
        margin_(sweep.window / 2 + kGradient),
        width_(tile.width + 2 * margin_),
        rows_(tile.height + 2 * margin_),
        stride_((width_ + kLanes - 1) / kLanes * kLanes + 2 * kLanes) {
    source_ = arena.take<std::int32_t>(rows_ * stride_);
    reference_ = arena.take<std::int32_t>(rows_ * stride_ * Channels);
    inside_ = arena.take<std::int32_t>(rows_ * stride_);
    inverse_depths_ = arena.take<float>(rows_ * stride_);
  }

  std::int64_t margin() const { return margin_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t width() const { return width_; }
  std::int64_t stride() const { return stride_; }
  std::int64_t size() const { return rows_ * stride_; }
  std::int32_t* source() const { return source_; }
  const std::int32_t* reference() const { return reference_; }
  const std::int32_t* inside() const { return inside_; }  // -1 where the reference has a pixel that may be used, else 0

  // Everything that no surface changes.
  void prepare() {
    for (std::int64_t row = 0; row < rows_; ++row) {
      for (std::int64_t i = 0; i < stride_; ++i) prepare_pixel(row, i);
    }
  }

  // Where surface `index` lies, for the sources that follow.
  void set_surface(std::int64_t index) {
    index_ = index;
    folded_ = is_plane(s_.hypotheses, index, s_.reference.height, s_.reference.width);
    for (std::int64_t row = 0; !folded_ && row < rows_; ++row) {
      if (has_row(row)) set_inverse_depths(row);
    }
  }

  // All of a source's samples; for SAD what they differ from the reference by.
  void warp_source(int k) {
    const mvs::SweepSource& source = s_.sources[k];
    const Homography h = homography(source, s_.hypotheses, index_, folded_);
    for (std::int64_t row = 0; row < rows_; ++row) {
      if (!has_row(row)) continue;  // prepare() has filled it
      const WarpRow warped = warp_row(h, float(tile_.y - margin_ + row));
      for (std::int64_t i = 0; i < width_; i += kLanes) {
        const Ints word = word_at(source, position_at(source, h, warped, row, i), row, i);
        store(source_ + row * stride_ + i, select(load<Ints>(inside_ + row * stride_ + i), word, splat(kClipped)));
      }
    }
  }

  // Where vector i of a row falls in a source.
  Position<Floats> position_at(const mvs::SweepSource& source, const Homography& h, const WarpRow& warped,
                               std::int64_t row, std::int64_t i) const {
    const Floats x = to_float(lane_indices() + std::int32_t(tile_.x - margin_ + i));
    if (folded_) return warp<Floats>(source.image, h, warped, x);
    return warp<Floats>(source.image, h, warped, x, load<Floats>(inverse_depths_ + row * stride_ + i));
  }
  Homography homography_of(int k) const { return homography(s_.sources[k], s_.hypotheses, index_, folded_); }

  Ints sad(const mvs::SweepSource& source, const Position<Floats>& p, std::int64_t row, std::int64_t i) const {
    Ints reference[Channels];
    for (int c = 0; c < Channels; ++c) reference[c] = load<Ints>(reference_ + (c * rows_ + row) * stride_ + i);
    return sad_word<Channels, Floats>(source.image, p, reference, s_.truncation);
  }

 private:
  bool has_row(std::int64_t row) const {
    const std::int64_t y = tile_.y - margin_ + row;
    return y >= 0 && y < s_.reference.height;
  }

  void prepare_pixel(std::int64_t row, std::int64_t i) {
    const std::int64_t x = tile_.x - margin_ + i, y = tile_.y - margin_ + row, at = row * stride_ + i;
    const mvs::PackedImage& image = s_.reference;
    const bool exists = y >= 0 && y < image.height && x >= 0 && x < image.width;
    const std::int64_t word = y * (image.width + 1) + x, plane = (image.height + std::int64_t(1)) * (image.width + 1);
    const bool usable = exists && !(image.masked && std::int8_t(image.words[word]) == mvs::kMaskedByte);
    inside_[at] = usable ? -1 : 0;
    source_[at] = kClipped;
    inverse_depths_[at] = __builtin_nanf("");
    for (int c = 0; c < Channels; ++c) {
      const std::int32_t sample = usable ? reference_sample(Cost, image.words[c * plane + word]) : kClipped;
      reference_[c * rows_ * stride_ + at] = kNcc ? sample & 0xffff : sample;
    }
  }

  void set_inverse_depths(std::int64_t row) {
    const mvs::Hypotheses& h = s_.hypotheses;
    const float* plane = h.planes + 3 * index_;
    const std::int64_t y = tile_.y - margin_ + row, left = tile_.x - margin_, width = s_.reference.width;
    float* out = inverse_depths_ + row * stride_;
    if (h.bounds == nullptr) {
      for (std::int64_t i = 0; i < width_; i += kLanes) {
        const Floats x = to_float(lane_indices() + std::int32_t(left + i));
        store(out + i, inverse_depth_of<Floats>(plane, x, float(y)));
      }
      return;
    }
    const float *near = h.bounds + y * width, *far = near + s_.reference.height * width;
    const std::int64_t begin = left < 0 ? -left : 0, end = left + width_ < width ? width_ : width - left;
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      const Floats x = to_float(lane_indices() + std::int32_t(left + i));
      store(out + i, inverse_depth_between<Floats>(plane, x, float(y), load<Floats>(near + left + i),
                                                   load<Floats>(far + left + i)));
    }
    for (; i < end; ++i) {
      out[i] = inverse_depth_between<float>(plane, float(left + i), float(y), near[left + i], far[left + i]);
    }
  }

  Ints word_at(const mvs::SweepSource& source, const Position<Floats>& p, std::int64_t row, std::int64_t i) const {
    if constexpr (kSad) return sad(source, p, row, i);
    if constexpr (kNcc) return ncc_word<Floats>(source.image, p);
    return census_word<Floats>(source.image, p);
  }

  const mvs::Sweep& s_;
  const mvs::Tile tile_;
  const std::int64_t margin_, width_, rows_, stride_;
  std::int64_t index_ = 0;                       // of the surface
  bool folded_ = true;                           // its inverse depth is part of the homographies
  std::int32_t *source_, *reference_, *inside_;  // (rows, stride), the reference's once per channel
  float* inverse_depths_;                        // (rows, stride), unless folded
};

}  // namespace fastcv::FASTCV_ISA
