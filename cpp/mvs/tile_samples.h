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
  static constexpr bool kColor = Channels == 3;  // of the reference there are colours and no samples
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
    reference_ = arena.take<std::int32_t>(kColor ? 0 : rows_ * stride_);
    colors_ = arena.take<std::int16_t>(kColor ? rows_ * stride_ * kColorValues : 0);
    inside_ = arena.take<std::int32_t>(rows_ * stride_);
    positions_ = arena.take<std::int32_t>(2 * stride_);
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

  // All of a source's words; see warp.hd.h.
  void warp_source(int k) {
    for (std::int64_t row = 0; row < rows_; ++row) {
      if (has_row(row)) make_words(k, row, source_ + row * stride_);  // else prepare() has filled it
    }
  }

  // A row of them. The way from a pixel to its word is a long chain: all positions come first, so that the processor
  // works on several vectors at once.
  void make_words(int k, std::int64_t row, std::int32_t* words) {
    set_positions(k, row);
    const mvs::PackedImage image = s_.sources[k].image;
    const std::int32_t *index = positions_, *weights = positions_ + stride_, *inside = inside_ + row * stride_;
    const std::int32_t *reference = reference_ + row * stride_, truncation = s_.truncation;
    const std::int16_t* colors = colors_ + row * stride_ * kColorValues;
    const std::int64_t width = width_;
    for (std::int64_t i = 0; i < width; i += kLanes) {
      const Position<Floats> p{load<Ints>(index + i), load<Ints>(weights + i)};
      Ints word;
      if constexpr (kColor) {
        word = color_sad_word<Floats>(image, p, index + i, colors + kColorValues * i, truncation);
      } else if constexpr (kSad) {
        word = sad_word<Floats>(image, p, load<Ints>(reference + i), truncation);
      } else if constexpr (kNcc) {
        word = ncc_word<Floats>(image, p);
      } else {
        word = census_word<Floats>(image, p);
      }
      const Ints usable = load<Ints>(inside + i);
      store(words + i, kClipped == 0 ? word & usable : select(usable, word, splat(kClipped)));
    }
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
    const std::int32_t* pixel = exists ? pixel_words(image, x, y) : nullptr;
    const bool usable = exists && !(image.masked && std::int8_t(*pixel) == mvs::kMaskedByte);
    inside_[at] = usable ? -1 : 0;
    source_[at] = kClipped;
    inverse_depths_[at] = __builtin_nanf("");
    if constexpr (kColor) {
      std::int16_t* color = colors_ + kColorValues * (row * stride_ + color_place(i));
      for (int c = 0; c < kColorValues; ++c) color[c] = 0;
      if (usable) unpack_color(pixel, color);
    } else {
      const std::int32_t sample = usable ? reference_sample(Cost, *pixel) : kClipped;
      reference_[at] = kNcc ? sample & 0xffff : sample;
    }
  }

  // Of a row in source k.
  void set_positions(int k, std::int64_t row) {
    const mvs::PackedImage image = s_.sources[k].image;
    const Homography h = homography(s_.sources[k], s_.hypotheses, index_, folded_);
    const WarpRow warped = warp_row(h, float(tile_.y - margin_ + row));
    std::int32_t* out = positions_;
    const std::int64_t stride = stride_, width = width_;
    const auto set = [=](std::int64_t i, const Position<Floats>& p) {
      store(out + i, p.index);
      store(out + stride + i, p.weights);
    };
    const float* inverse_depths = inverse_depths_ + row * stride;
    const bool folded = folded_;
    Floats x = to_float(lane_indices() + std::int32_t(tile_.x - margin_));
    for (std::int64_t i = 0; i < width; i += kLanes, x += float(kLanes)) {
      set(i, folded ? warp<Floats>(image, h, warped, x)
                    : warp<Floats>(image, h, warped, x, load<Floats>(inverse_depths + i)));
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

  const mvs::Sweep& s_;
  const mvs::Tile tile_;
  const std::int64_t margin_, width_, rows_, stride_;
  std::int64_t index_ = 0;                       // of the surface
  bool folded_ = true;                           // its inverse depth is part of the homographies
  std::int32_t *source_, *reference_, *inside_;  // (rows, stride)
  std::int16_t* colors_;                         // of the reference, (rows, stride, kColorValues)
  std::int32_t* positions_;                      // of a row: indices, then weights
  float* inverse_depths_;                        // (rows, stride), unless folded
};

}  // namespace fastcv::FASTCV_ISA
