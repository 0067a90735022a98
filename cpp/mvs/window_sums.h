// SPDX-License-Identifier: Apache-2.0
// Sums over square windows by doubling: O(log n) additions a pixel for a side of n, nothing is ever subtracted, and the
// order of additions depends on the window alone, so that tiles and vectors do not change a bit.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// Sum i is that of elements i to i + n - 1, for i < count. get and set access `step` elements at a time, which are
// lost; get_sum and set_sum the sums.
template <class Get, class Set, class GetSum, class SetSum>
FASTCV_HD void sums_by_doubling(std::int64_t count, int n, int step, const Get& get, const Set& set,
                                const GetSum& get_sum, const SetSum& set_sum) {
  std::int64_t done = 0;
  for (int width = 1; width <= n; width *= 2) {
    if ((n & width) != 0) {
      for (std::int64_t i = 0; i < count; i += step) {
        set_sum(i, done == 0 ? get(i) : get_sum(i) + get(i + done));
      }
      done += width;
    }
    if (2 * width > n) break;
    // Those that are still wanted; none is read as an old one after it was changed.
    for (std::int64_t i = 0; i < count + n - 2 * width; i += step) set(i, get(i) + get(i + width));
  }
}

// A plane of floats: rows of `stride`, a multiple of the vector's length that leaves room for a vector beyond.
struct Plane {
  float* data;
  std::int64_t stride;
  float* at(std::int64_t row, std::int64_t x) const { return data + row * stride + x; }
};

// out(y, x) = sum of in(y ... y + n - 1, x ... x + n - 1) for y < height and x < width; in(row, x) gives the vector at
// x. row: scratch of two rows; column: scratch of 2 (height + n) vectors. out holds height + n - 1 rows.
template <class In>
void window_sums(const In& in, std::int64_t height, std::int64_t width, int n, const Plane& out, float* row,
                 Floats* column) {
  const std::int64_t rows = height + n - 1, columns = width + n - 1;
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t x = 0; x < columns; x += kLanes) store(row + x, in(y, x));
    sums_by_doubling(
        width, n, kLanes, [&](std::int64_t i) { return load<Floats>(row + i); },
        [&](std::int64_t i, Floats v) { store(row + i, v); },
        [&](std::int64_t i) { return load<Floats>(out.at(y, i)); },
        [&](std::int64_t i, Floats v) { store(out.at(y, i), v); });
  }
  for (std::int64_t x = 0; x < width; x += kLanes) {
    Floats* sums = column + rows;
    for (std::int64_t y = 0; y < rows; ++y) column[y] = load<Floats>(out.at(y, x));
    sums_by_doubling(
        height, n, 1, [&](std::int64_t i) { return column[i]; }, [&](std::int64_t i, Floats v) { column[i] = v; },
        [&](std::int64_t i) { return sums[i]; }, [&](std::int64_t i, Floats v) { sums[i] = v; });
    for (std::int64_t y = 0; y < height; ++y) store(out.at(y, x), sums[y]);
  }
}

}  // namespace fastcv::FASTCV_ISA
