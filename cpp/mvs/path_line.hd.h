// SPDX-License-Identifier: Apache-2.0
// Lines of pixels that the paths of semi-global matching follow, for processors that work on many of them at once.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

// One of the lines that the paths of a direction follow: pixels (y, x), (y + dy, x + dx), ...
struct PathLine {
  std::int64_t y, x, length;
  std::int32_t dy, dx;

  static FASTCV_HD std::int64_t count(int direction, std::int64_t height, std::int64_t width) {
    const int down = direction < 5 ? direction : direction - 3;
    return down < 2 ? height : down == 2 ? width : width + height - 1;
  }
  // 0 to 4: from the left, from the right, down, down to the right, down to the left. 5 to 7: as 2 to 4, in the image
  // turned by 180 degrees.
  FASTCV_HD PathLine(int any_direction, std::int64_t line, std::int64_t height, std::int64_t width) {
    const int direction = any_direction < 5 ? any_direction : any_direction - 3;
    dy = direction < 2 ? 0 : 1;
    dx = direction == 2 ? 0 : direction % 2 == 0 && direction > 0 ? -1 : direction == 1 ? -1 : 1;
    if (direction < 2) {
      y = line;
      x = direction == 0 ? 0 : width - 1;
      length = width;
      return;
    }
    // Diagonals begin in the first row or, further on, in the column where they enter.
    y = line < width ? 0 : line - width + 1;
    const std::int64_t column = line < width ? line : 0;
    x = direction == 4 ? width - 1 - column : column;
    const std::int64_t down = height - y, across = width - column;
    length = direction == 2 || down < across ? down : across;
    if (any_direction < 5) return;
    y = height - 1 - y;
    x = width - 1 - x;
    dy = -dy;
    dx = -dx;
  }
};

}  // namespace fastcv::FASTCV_ISA
