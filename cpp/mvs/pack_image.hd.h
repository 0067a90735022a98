// SPDX-License-Identifier: Apache-2.0
// One word of a packed image: the four pixels of a bilinear sample side by side, so that sampling is a single gather.
#pragma once

#include "core/view.h"
#include "mvs/sweep.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD std::int32_t level_from(std::uint8_t value) { return value; }
FASTCV_HD std::int32_t level_from(std::uint16_t value) { return (value * 255 + 32767) / 65535; }
FASTCV_HD std::int32_t level_from(float value) {  // [0, 1] to 0 ... 255; the caller has refused NaN
  const float level = value * 255.0F + 0.5F;
  return level <= 0.0F ? 0 : level >= 255.0F ? 255 : static_cast<std::int32_t>(level);
}

// T is uint8_t, uint16_t or float. words (channels, height + 1, width + 1) from image (height, width, image channels):
// the image's own channels, or its luma (ITU-R BT.601) where three become one. Bytes are level - 128: left, right, left
// below, right below; beyond the last row and column the image repeats itself (with weight 0). A mask (or null) is 0
// where a pixel is not to be used: then black counts as the next level, so that kMaskedByte means nothing else.
template <class T>
struct PackWord {
  View<const T, 3> image;
  const std::uint8_t* mask;
  View<std::int32_t, 3> words;

  FASTCV_HD std::int32_t level(std::int64_t y, std::int64_t x, std::int64_t channel) const {
    const T* pixel = &image(y, x, std::int64_t(0));
    if (image.shape[2] == words.shape[0]) return level_from(pixel[channel]);
    return (77 * level_from(pixel[0]) + 150 * level_from(pixel[1]) + 29 * level_from(pixel[2]) + 128) >> 8;
  }
  FASTCV_HD std::int32_t byte(std::int64_t y, std::int64_t x, std::int64_t channel) const {
    y = y < image.shape[0] ? y : image.shape[0] - 1;
    x = x < image.shape[1] ? x : image.shape[1] - 1;
    const std::int32_t value = level(y, x, channel) - 128;
    if (mask == nullptr) return value;
    if (mask[y * image.shape[1] + x] == 0) return mvs::kMaskedByte;
    return value > mvs::kMaskedByte ? value : mvs::kMaskedByte + 1;
  }
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = words.shape[2], x = i % width, y = i / width % words.shape[1],
                       c = i / width / words.shape[1];
    const auto shifted = [&](std::int64_t dy, std::int64_t dx, int shift) {
      return static_cast<std::uint32_t>(byte(y + dy, x + dx, c) & 0xff) << shift;
    };
    words.data[i] =
        static_cast<std::int32_t>(shifted(0, 0, 0) | shifted(0, 1, 8) | shifted(1, 0, 16) | shifted(1, 1, 24));
  }
};

}  // namespace fastcv::FASTCV_ISA
