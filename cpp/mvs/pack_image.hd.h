// SPDX-License-Identifier: Apache-2.0
// One word of a packed image, which keeps what a bilinear sample needs side by side: sampling is one load or gather.
#pragma once

#include "core/view.h"
#include "mvs/color_lanes.hd.h"
#include "mvs/sweep.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD std::int32_t level_from(std::uint8_t value) { return value; }
FASTCV_HD std::int32_t level_from(std::uint16_t value) { return (value * 255 + 32767) / 65535; }
FASTCV_HD std::int32_t level_from(float value) {  // [0, 1] to 0 ... 255; the caller has refused NaN
  const float level = value * 255.0F + 0.5F;
  return level <= 0.0F ? 0 : level >= 255.0F ? 255 : static_cast<std::int32_t>(level);
}

// T is uint8_t, uint16_t or float. words (height + 1, width + 1, 1 or 2) from image (height, width, image channels).
// Two words hold a colour (see color_lanes.hd.h); one the grey levels of a pixel and of those below, on the right, and
// below on the right, where the luma (ITU-R BT.601) makes one channel of three. Bytes are level - 128; beyond the last
// row and column the image repeats itself (with weight 0). A mask (or null) is 0 where a pixel is not to be used: then
// black counts as the next level, so that kMaskedByte means nothing else.
template <class T>
struct PackWord {
  View<const T, 3> image;
  const std::uint8_t* mask;
  View<std::int32_t, 3> words;

  FASTCV_HD bool has_color() const { return words.shape[2] == kColorWords; }

  // Of a pixel of the image; colours have kColorValues, grey one.
  FASTCV_HD std::uint8_t byte(std::int64_t y, std::int64_t x, int channel) const {
    if (channel == 3) return 0;
    const T* pixel = &image(y, x, std::int64_t(0));
    const std::int32_t level =
        has_color() || image.shape[2] == 1
            ? level_from(pixel[channel])
            : (77 * level_from(pixel[0]) + 150 * level_from(pixel[1]) + 29 * level_from(pixel[2]) + 128) >> 8;
    if (mask == nullptr) return static_cast<std::uint8_t>(level - 128);
    if (mask[y * image.shape[1] + x] == 0) return static_cast<std::uint8_t>(mvs::kMaskedByte);
    return static_cast<std::uint8_t>((level > 0 ? level : 1) - 128);
  }

  // Word k of a pixel; at(channel, dy, dx) is a byte of it or of a neighbour.
  template <class At>
  FASTCV_HD static std::int32_t color_word(int k, const At& at) {
    return join(at(2 * k, 0, 0), at(2 * k, 1, 0), at(2 * k + 1, 0, 0), at(2 * k + 1, 1, 0));
  }
  template <class At>
  FASTCV_HD static std::int32_t gray_word(const At& at) {
    return join(at(0, 0, 0), at(0, 1, 0), at(0, 0, 1), at(0, 1, 1));
  }

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t num = words.shape[2], width = words.shape[1], x = i / num % width, y = i / num / width;
    const auto at = [&](int channel, int dy, int dx) {
      const std::int64_t v = y + dy < image.shape[0] ? y + dy : image.shape[0] - 1;
      const std::int64_t u = x + dx < image.shape[1] ? x + dx : image.shape[1] - 1;
      return byte(v, u, channel);
    };
    words.data[i] = has_color() ? color_word(static_cast<int>(i % num), at) : gray_word(at);
  }

 private:
  FASTCV_HD static std::int32_t join(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return static_cast<std::int32_t>(a | b << 8 | c << 16 | d << 24);
  }
};

}  // namespace fastcv::FASTCV_ISA
