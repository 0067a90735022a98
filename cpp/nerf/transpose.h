// SPDX-License-Identifier: Apache-2.0
// Rows to columns and back, in registers: the plain loop takes a fifth of the hash grid's time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fastcv::nerf {

// Four rows of four.
template <class P>
void transpose_four(const P* from, std::int64_t from_stride, P* to, std::int64_t to_stride) {
  typedef P Four __attribute__((vector_size(4 * sizeof(P))));
  Four a[4];
  for (int i = 0; i < 4; ++i) __builtin_memcpy(&a[i], from + i * from_stride, sizeof(Four));
  const Four low01 = __builtin_shufflevector(a[0], a[1], 0, 4, 1, 5);
  const Four high01 = __builtin_shufflevector(a[0], a[1], 2, 6, 3, 7);
  const Four low23 = __builtin_shufflevector(a[2], a[3], 0, 4, 1, 5);
  const Four high23 = __builtin_shufflevector(a[2], a[3], 2, 6, 3, 7);
  const Four result[4] = {
      __builtin_shufflevector(low01, low23, 0, 1, 4, 5), __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
      __builtin_shufflevector(high01, high23, 0, 1, 4, 5), __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
  for (int i = 0; i < 4; ++i) __builtin_memcpy(to + i * to_stride, &result[i], sizeof(Four));
}

// to(column, row) = from(row, column).
template <class P>
void transpose(const P* from, std::int64_t rows, std::int64_t columns, std::int64_t from_stride, P* to,
               std::int64_t to_stride) {
  constexpr std::int64_t kTile = 16;  // a line of the cache
  for (std::int64_t row = 0; row < rows; row += kTile) {
    for (std::int64_t column = 0; column < columns; column += kTile) {
      const std::int64_t row_end = std::min(rows, row + kTile), column_end = std::min(columns, column + kTile);
      for (std::int64_t i = row; i < row_end; i += 4) {
        for (std::int64_t k = column; k < column_end; k += 4) {
          const P* source = from + i * from_stride + k;
          P* target = to + k * to_stride + i;
          if (i + 4 <= row_end && k + 4 <= column_end) {
            transpose_four(source, from_stride, target, to_stride);
            continue;
          }
          for (std::int64_t r = 0; r < std::min<std::int64_t>(4, row_end - i); ++r) {
            for (std::int64_t c = 0; c < std::min<std::int64_t>(4, column_end - k); ++c) {
              target[c * to_stride + r] = source[r * from_stride + c];
            }
          }
        }
      }
    }
  }
}

// The same for pairs of values: to(column, row) = from(row, column), strides counted in values.
template <class P>
void transpose_pairs(const P* from, std::int64_t rows, std::int64_t columns, std::int64_t from_stride, P* to,
                     std::int64_t to_stride) {
  typedef P Four __attribute__((vector_size(4 * sizeof(P))));
  for (std::int64_t i = 0; i < rows; i += 2) {
    for (std::int64_t k = 0; k < columns; k += 2) {
      const P* source = from + i * from_stride + 2 * k;
      P* target = to + k * to_stride + 2 * i;
      if (i + 1 < rows && k + 1 < columns) {
        Four a, b;
        __builtin_memcpy(&a, source, sizeof a);
        __builtin_memcpy(&b, source + from_stride, sizeof b);
        const Four first = __builtin_shufflevector(a, b, 0, 1, 4, 5),
                   second = __builtin_shufflevector(a, b, 2, 3, 6, 7);
        __builtin_memcpy(target, &first, sizeof first);
        __builtin_memcpy(target + to_stride, &second, sizeof second);
        continue;
      }
      for (std::int64_t r = 0; r < std::min<std::int64_t>(2, rows - i); ++r) {
        for (std::int64_t c = 0; c < std::min<std::int64_t>(2, columns - k); ++c) {
          std::copy_n(source + r * from_stride + 2 * c, 2, target + c * to_stride + 2 * r);
        }
      }
    }
  }
}

}  // namespace fastcv::nerf
