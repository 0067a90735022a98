// SPDX-License-Identifier: Apache-2.0
// Sums over square windows of planes of floats, a vector at a time.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/sums_by_doubling.hd.h"

namespace fastcv::FASTCV_ISA {

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
