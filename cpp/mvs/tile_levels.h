// SPDX-License-Identifier: Apache-2.0
// Turns the costs of a tile, which come surface by surface, into levels pixel by pixel.
#pragma once

#include "mvs/arena.h"
#include "mvs/level_band.h"
#include "mvs/semi_global.hd.h"
#include "mvs/tile.h"

namespace fastcv::FASTCV_ISA {

class TileLevels {
 public:
  TileLevels(const mvs::LevelBand& band, const mvs::Tile& tile, Arena& arena)
      : band_(band),
        tile_(tile),
        stride_((tile.width + kSide - 1) / kSide * kSide),
        levels_per_cost_(levels_per_cost(band.smoothing.max_cost)) {
    levels_ = arena.take<std::uint8_t>(kSide * tile.height * stride_);
  }

  // Of a vector of pixels.
  void put(std::int64_t surface, std::int64_t row, std::int64_t x, Floats cost) {
    typedef std::uint8_t Lanes __attribute__((vector_size(kLanes)));
    const Ints level = level_of<Floats>(cost, levels_per_cost_);
    store(place(surface % kSide, row, x), __builtin_convertvector(level, Lanes));
  }

  // After the last pixel of a surface.
  void finish(std::int64_t surface) {
    const bool last = surface + 1 == band_.num_surfaces;
    if (!last && (surface + 1) % kSide != 0) return;
    for (std::int64_t s = surface % kSide + 1; s < kSide; ++s) {
      __builtin_memset(place(s, 0, 0), kWall, tile_.height * stride_);
    }
    const std::int64_t first = surface / kSide * kSide, walls = band_.padded - first - kSide;
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      for (std::int64_t x = 0; x < tile_.width; x += kSide) {
        std::uint8_t* to = band_.levels + band_.at(tile_.y + row, tile_.x + x) + first;
        const std::int64_t count = tile_.width - x < kSide ? tile_.width - x : kSide;
        turn(row, x, count, to);
        for (std::int64_t i = 0; last && i < count; ++i) __builtin_memset(to + i * band_.padded + kSide, kWall, walls);
      }
    }
  }

 private:
  static constexpr int kSide = 16;
  typedef std::uint8_t Block __attribute__((vector_size(kSide)));

  std::uint8_t* place(std::int64_t surface, std::int64_t row, std::int64_t x) const {
    return levels_ + (surface * tile_.height + row) * stride_ + x;
  }

  // 16 surfaces of up to 16 pixels: a transposition, by four rounds of interleaving each row with the one 8 below it.
  void turn(std::int64_t row, std::int64_t x, std::int64_t count, std::uint8_t* to) const {
    Block rows[kSide], mixed[kSide];
    for (int s = 0; s < kSide; ++s) rows[s] = load<Block>(place(s, row, x));
    FASTCV_UNROLL
    for (int round = 0; round < 4; ++round) {
      FASTCV_UNROLL
      for (int i = 0; i < kSide / 2; ++i) {
        const Block a = rows[i], b = rows[i + kSide / 2];
        mixed[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        mixed[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      }
      FASTCV_UNROLL
      for (int i = 0; i < kSide; ++i) rows[i] = mixed[i];
    }
    for (std::int64_t i = 0; i < count; ++i) store(to + i * band_.padded, rows[i]);
  }

  const mvs::LevelBand& band_;
  const mvs::Tile tile_;
  const std::int64_t stride_;
  const float levels_per_cost_;
  std::uint8_t* levels_;  // (16 surfaces, tile rows, stride)
};

}  // namespace fastcv::FASTCV_ISA
