// SPDX-License-Identifier: Apache-2.0
// The paths of semi-global matching line by line, as a GPU follows them.
#pragma once

#include <algorithm>
#include <vector>

#include "core/view.h"
#include "mvs/path_line.hd.h"
#include "mvs/semi_global.hd.h"

namespace fastcv {

// Adds what the paths of one direction contribute to the sums, which begin at 0. Both (height, width, labels).
inline void follow_paths(const View<std::uint8_t, 3>& costs, const View<std::uint8_t, 3>& sums, std::int32_t p1,
                         std::int32_t p2, int direction) {
  const std::int64_t height = sums.shape[0], width = sums.shape[1], num = sums.shape[2];
  for (std::int64_t k = 0; k < generic::PathLine::count(direction, height, width); ++k) {
    const generic::PathLine line(direction, k, height, width);
    std::vector<std::int32_t> before(num + 2, 0), now(num + 2, 255);
    before.front() = before.back() = 255;
    std::int32_t from = 0;
    for (std::int64_t i = 0; i < line.length; ++i) {
      const std::int64_t y = line.y + i * line.dy, x = line.x + i * line.dx;
      std::int32_t least = 255;
      for (std::int64_t d = 0; d < num; ++d) {
        const std::int32_t step = generic::path_step(before[d + 1], before[d], before[d + 2], from, p1, p2);
        now[d + 1] = costs(y, x, d) + step;
        sums(y, x, d) = static_cast<std::uint8_t>(std::min(sums(y, x, d) + step, 255));
        least = std::min(least, now[d + 1]);
      }
      from = least;
      std::swap(before, now);
    }
  }
}

}  // namespace fastcv
