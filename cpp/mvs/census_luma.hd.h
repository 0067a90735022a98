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

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t width = image.shape[1], y = i / out.shape[1], padded = i % out.shape[1] - mvs::kCensusRadius;
    const std::int64_t x = padded < 0 ? 0 : padded >= width ? width - 1 : padded;
    const T* pixel = &image(y, x, 0);
    if (image.shape[2] == 1) {
      out.data[i] = luma16(pixel[0]);
    } else {
      const std::uint32_t red = luma16(pixel[0]), green = luma16(pixel[1]), blue = luma16(pixel[2]);
      out.data[i] = static_cast<std::uint16_t>((77 * red + 150 * green + 29 * blue) >> 8);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
