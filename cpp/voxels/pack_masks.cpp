// SPDX-License-Identifier: Apache-2.0
// Packs masks over threads, one mask each: four pixels at a time, and the sums along with them.
#include "voxels/pack_masks.h"

#include <algorithm>
#include <cstring>

#include "core/interrupt.h"
#include "core/parallel.h"
#include "voxels/tiles.hd.h"

namespace fastcv::voxels {
namespace {

using generic::PackTile;

// 0x80 in each byte that is 0.
std::uint32_t zero_bytes(std::uint32_t bytes) { return ~(((bytes & 0x7f7f7f7fU) + 0x7f7f7f7fU) | bytes) & 0x80808080U; }
// The top bits of four bytes, the first byte's lowest.
std::uint32_t top_bits(std::uint32_t bytes) { return (bytes >> 7 | bytes >> 14 | bytes >> 21 | bytes >> 28) & 15U; }

std::uint32_t four_pixels(const std::uint8_t* pixels, std::uint32_t outside, std::uint32_t any_outside) {
  std::uint32_t bytes;
  std::memcpy(&bytes, pixels, sizeof bytes);
  const std::uint32_t seen = ~(zero_bytes(bytes ^ outside) & any_outside) & 0x80808080U;
  return top_bits(seen & ~zero_bytes(bytes)) | top_bits(seen) << 16;
}

// Tiles that lie in the image as a whole, of the row of tiles that begins at pixel row y.
void pack_whole_tiles(const Mask& mask, std::int64_t y, std::int32_t* words) {
  const std::uint32_t outside = 0x01010101U * static_cast<std::uint8_t>(mask.outside);
  const std::uint32_t any_outside = mask.outside < 0 ? 0 : 0xffffffffU;
  const std::int64_t width = mask.pixels.shape[1];
  const std::uint8_t* rows = mask.pixels.data + y * width;
  for (std::int64_t column = 0; column < width / kTile; ++column) {
    std::uint32_t word = 0;
    FASTCV_UNROLL
    for (int row = 0; row < kTile; ++row) {
      word |= four_pixels(rows + row * width + column * kTile, outside, any_outside) << (kTile * row);
    }
    words[column] = static_cast<std::int32_t>(word);
  }
}

void pack_mask(const Mask& mask, std::int32_t* words, std::int64_t* sums) {
  const std::int64_t rows = generic::tiles_along(mask.pixels.shape[0]);
  const std::int64_t columns = generic::tiles_along(mask.pixels.shape[1]);
  const PackTile tile{mask.pixels, mask.outside, words};
  words[0] = 0;
  std::fill(sums, sums + columns + 1, 0);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t y = row * kTile;
    std::int32_t* row_words = words + 1 + row * columns;
    const bool whole = y + kTile <= mask.pixels.shape[0];
    if (whole) pack_whole_tiles(mask, y, row_words);
    for (std::int64_t c = whole ? mask.pixels.shape[1] / kTile : 0; c < columns; ++c) tile.pack(y, c);
    const std::int64_t* above = sums + row * (columns + 1);
    std::int64_t* here = sums + (row + 1) * (columns + 1);
    std::uint64_t sum = 0;
    here[0] = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      sum += generic::tile_kind(row_words[c]);
      here[c + 1] = static_cast<std::int64_t>(sum + static_cast<std::uint64_t>(above[c + 1]));
    }
    poll_interrupt();
  }
}

}  // namespace

void pack_masks(const Mask* masks, Rows<const std::int64_t, kLayout> layout, std::int32_t* words, std::int64_t* sums,
                int num_threads) {
  parallel_for(layout.rows, 1, num_threads,
               [&](std::int64_t i, std::int64_t) { pack_mask(masks[i], words + layout[i][2], sums + layout[i][3]); });
}

}  // namespace fastcv::voxels
