// SPDX-License-Identifier: Apache-2.0
// One pixel of the luma that the census transform compares.
#pragma once

#include "core/view.h"
#include "mvs/disparity.h"

namespace fastcv::FASTCV_ISA {

// To 16 bits; as ITU-R BT.601 weighs red, green and blue, in 256ths.
FASTCV_HD std::uint16_t luma16(std::uint8_t grey) { return static_cast<std::uint16_t>(grey << 8); }
FASTCV_HD std::uint16_t luma16(std::uint16_t grey) { return grey; }
FASTCV_HD std::uint16_t luma16(float grey) { return static_cast<std::uint16_t>(grey * 65535.0F + 0.5F); }

template <class T>
struct CensusLuma {
  View<const T, 3> image;
  View<std::uint16_t, 2> out;

  // Of one pixel of the image.
  FASTCV_HD std::uint16_t at(std::int64_t y, std::int64_t x) const {
    const T* pixel = &image(y, x, 0);
    if (image.shape[2] == 1) return luma16(pixel[0]);
    const std::uint32_t red = luma16(pixel[0]), green = luma16(pixel[1]), blue = luma16(pixel[2]);
    return static_cast<std::uint16_t>((77 * red + 150 * green + 29 * blue) >> 8);
  }
  // Of one pixel of the result, whose outermost columns repeat the image's.
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t last = image.shape[1] - 1, y = i / out.shape[1], x = i % out.shape[1] - mvs::kCensusRadius;
    out.data[i] = at(y, x < 0 ? 0 : x > last ? last : x);
  }
};

}  // namespace fastcv::FASTCV_ISA
