// SPDX-License-Identifier: Apache-2.0
// Packs a mask into tiles, and counts tiles of one kind in a rectangle.
#pragma once

#include "voxels/carving.h"

namespace fastcv::FASTCV_ISA {

// Words of a tile whose pixels are all of one kind.
constexpr std::uint32_t kForegroundTile = 0xffffffff, kBackgroundTile = 0xffff0000, kOutsideTile = 0;
constexpr int kSumField = 21;

FASTCV_HD std::int64_t tiles_along(std::int64_t pixels) { return (pixels + voxels::kTile - 1) / voxels::kTile; }

// A byte is background where it is 0, outside of the image where it equals `outside` (which is no byte where the image
// has no such pixels), else foreground.
struct PackTile {
  View<const std::uint8_t, 2> mask;
  std::int32_t outside;
  std::int32_t* words;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t columns = tiles_along(mask.shape[1]), y = i / columns * voxels::kTile;
    pack(y, i % columns);
  }
  FASTCV_HD void pack(std::int64_t y, std::int64_t column) const {
    const std::int64_t x = column * voxels::kTile;
    std::uint32_t word = 0;
    for (std::int64_t row = y; row < y + voxels::kTile && row < mask.shape[0]; ++row) {
      for (std::int64_t c = x; c < x + voxels::kTile && c < mask.shape[1]; ++c) {
        const std::int32_t pixel = mask.data[row * mask.shape[1] + c];
        const std::uint32_t kind = pixel == outside ? 0 : pixel == 0 ? 1U << 16 : 1U << 16 | 1U;
        word |= kind << (voxels::kTile * (row - y) + c - x);
      }
    }
    words[1 + y / voxels::kTile * tiles_along(mask.shape[1]) + column] = static_cast<std::int32_t>(word);
  }
};

FASTCV_HD std::uint64_t tile_kind(std::int32_t word) {
  const auto bits = static_cast<std::uint32_t>(word);
  return std::uint64_t(bits == kForegroundTile) | std::uint64_t(bits == kBackgroundTile) << kSumField |
         std::uint64_t(bits == kOutsideTile) << (2 * kSumField);
}

// The sums of a mask's tiles along each row; then down each column. Sums wrap around, differences come out right.
struct SumRow {
  std::int64_t columns;
  const std::int32_t* words;
  std::int64_t* sums;

  FASTCV_HD void operator()(std::int64_t row) const {
    std::int64_t* out = sums + row * (columns + 1);
    std::uint64_t sum = 0;
    for (std::int64_t c = 0; c <= columns; ++c) {
      out[c] = static_cast<std::int64_t>(sum);
      if (c < columns && row > 0) sum += tile_kind(words[1 + (row - 1) * columns + c]);
    }
  }
};
struct SumColumn {
  std::int64_t rows, columns;
  std::int64_t* sums;

  FASTCV_HD void operator()(std::int64_t column) const {
    for (std::int64_t row = 1; row <= rows; ++row) {
      const std::uint64_t above = sums[(row - 1) * (columns + 1) + column];
      std::int64_t& here = sums[row * (columns + 1) + column];
      here = static_cast<std::int64_t>(above + static_cast<std::uint64_t>(here));
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
