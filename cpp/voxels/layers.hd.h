// SPDX-License-Identifier: Apache-2.0
// A layer of a block as a word, bit 8 y + x, and the layers beside it, each moved over the one that it is asked for.
#pragma once

#include "voxels/samples.h"

namespace fastcv::FASTCV_ISA {

constexpr std::uint64_t kFirstColumn = 0x0101010101010101, kLastColumn = kFirstColumn << 7;

// Bits of the samples one further along x or y, or one before.
FASTCV_HD std::uint64_t from_right(std::uint64_t own, std::uint64_t right) {
  return (own >> 1 & ~kLastColumn) | (right & kFirstColumn) << 7;
}
FASTCV_HD std::uint64_t from_below(std::uint64_t own, std::uint64_t below) { return own >> 8 | below << 56; }
FASTCV_HD std::uint64_t from_left(std::uint64_t own, std::uint64_t left) {
  return (own << 1 & ~kFirstColumn) | (left >> 7 & kFirstColumn);
}
FASTCV_HD std::uint64_t from_above(std::uint64_t own, std::uint64_t above) { return own << 8 | above >> 56; }

// A block and its seven neighbours on the side of the larger coordinates, or of the smaller ones, -1 for none:
// 4 dz + 2 dy + dx.
struct Octet {
  std::int64_t of[8];
};
template <int kSide>  // 1 or -1
FASTCV_HD Octet octet(const voxels::Samples& samples, std::int64_t block) {
  Octet result;
  const voxels::BlockPosition at = samples.position(block);
  for (int k = 0; k < 8; ++k) {
    result.of[k] = samples.neighbor(block, at, (k >> 2) * kSide, (k >> 1 & 1) * kSide, (k & 1) * kSide);
  }
  return result;
}
// The same blocks as places in a list of some.
FASTCV_HD Octet ranked(const Octet& blocks, const std::int32_t* ranks) {
  Octet result;
  for (int k = 0; k < 8; ++k) result.of[k] = blocks.of[k] < 0 ? -1 : ranks[blocks.of[k]];
  return result;
}

// Words of the samples at (y, x), beside them in x, in y, and in both.
struct Quad {
  std::uint64_t of[4];
  FASTCV_HD std::uint64_t any() const { return of[0] | of[1] | of[2] | of[3]; }
  FASTCV_HD std::uint64_t all() const { return of[0] & of[1] & of[2] & of[3]; }
};
FASTCV_HD std::uint64_t layer(const std::uint64_t* words, std::int64_t block, int z) {
  return block < 0 ? 0 : words[block * voxels::kBlock + (z & (voxels::kBlock - 1))];
}
// Layer z, 0 to 8, and what follows it.
FASTCV_HD Quad quad_after(const std::uint64_t* words, const Octet& blocks, int z) {
  const std::int64_t* b = blocks.of + (z < voxels::kBlock ? 0 : 4);
  const std::uint64_t own = layer(words, b[0], z), right = layer(words, b[1], z);
  const std::uint64_t below = layer(words, b[2], z), corner = layer(words, b[3], z);
  const std::uint64_t moved = from_right(own, right);
  return {{own, moved, from_below(own, below), from_below(moved, from_right(below, corner))}};
}
// Layer z, -1 to 7, and what comes before it.
FASTCV_HD Quad quad_before(const std::uint64_t* words, const Octet& blocks, int z) {
  const std::int64_t* b = blocks.of + (z < 0 ? 4 : 0);
  const std::uint64_t own = layer(words, b[0], z), left = layer(words, b[1], z);
  const std::uint64_t above = layer(words, b[2], z), corner = layer(words, b[3], z);
  const std::uint64_t moved = from_left(own, left);
  return {{own, moved, from_above(own, above), from_above(moved, from_left(above, corner))}};
}

// Takes the lowest bit's number off a word.
FASTCV_HD int take_lowest(std::uint64_t& word) {
  const int bit = __builtin_popcountll(~word & (word - 1));  // nvcc has no __builtin_ctzll
  word &= word - 1;
  return bit;
}

}  // namespace fastcv::FASTCV_ISA
