// SPDX-License-Identifier: Apache-2.0
// A rectangle of the reference image, in pixels.
#pragma once

#include <cstdint>

namespace fastcv::mvs {

struct Tile {
  std::int64_t x, y, width, height;
};

}  // namespace fastcv::mvs
