// SPDX-License-Identifier: Apache-2.0
// Median of a disparity and those around it, for one pixel and for a vector of them.
#pragma once

#include "core/lanes.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

template <class F>
FASTCV_HD F median_of_three(F a, F b, F c) {
  return larger(smaller(a, b), smaller(larger(a, b), c));
}

// at(dy, dx): a neighbour's disparity, NaN for none. Holes count as the lowest and the highest value in turn, so that
// what is left keeps its median. That of nine is the median of: the largest of the least, the median of the middle and
// the least of the largest of each column. Source: Smith 1996, "Implementing median filters in XC4000E FPGAs".
template <class F, class At>
FASTCV_HD F median_around(const At& at) {
  constexpr float kInfinity = __builtin_inff();
  F hole = F{} - kInfinity, least[3], middle[3], largest[3];
  for (int dx = -1; dx <= 1; ++dx) {
    F column[3];
    for (int dy = -1; dy <= 1; ++dy) {
      const F value = at(dy, dx);
      const auto known = value == value;
      column[dy + 1] = select(known, value, hole);
      hole = select(known, hole, -hole);
    }
    const F low = smaller(column[0], column[1]), high = larger(column[0], column[1]);
    least[dx + 1] = smaller(low, column[2]);
    middle[dx + 1] = median_of_three(column[0], column[1], column[2]);
    largest[dx + 1] = larger(high, column[2]);
  }
  const F median =
      median_of_three(larger(larger(least[0], least[1]), least[2]), median_of_three(middle[0], middle[1], middle[2]),
                      smaller(smaller(largest[0], largest[1]), largest[2]));
  const F value = at(0, 0);
  return select(value == value, median, value);
}

struct MedianPixel {
  View<const float, 2> disparity;
  View<float, 2> out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t height = out.shape[0], width = out.shape[1], y = i / width, x = i % width;
    out(y, x) = median_around<float>([&](int dy, int dx) {
      const bool exists = y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width;
      return exists ? disparity(y + dy, x + dx) : __builtin_nanf("");
    });
  }
};

}  // namespace fastcv::FASTCV_ISA
