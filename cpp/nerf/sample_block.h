// SPDX-License-Identifier: Apache-2.0
// Sixteen neighbouring values, whatever the length of a vector, so that sums along a ray have one order on every
// instruction set. For leaf files.
#pragma once

#include "core/lane_access.hd.h"

namespace fastcv::FASTCV_ISA {

constexpr int kBlock = 16, kBlockVectors = kBlock / kLanes;

struct Block {
  Floats v[kBlockVectors];
};

template <class Op, class... Blocks>
FASTCV_HD Block map(const Op& op, const Blocks&... blocks) {
  Block result;
  FASTCV_UNROLL
  for (int k = 0; k < kBlockVectors; ++k) result.v[k] = op(blocks.v[k]...);
  return result;
}
FASTCV_HD Block operator+(const Block& a, const Block& b) {
  return map([](Floats x, Floats y) { return x + y; }, a, b);
}

// The first `count` values; 0 and nothing beyond.
FASTCV_HD Block load_block(const float* from, int count) {
  Block block;
  FASTCV_UNROLL
  for (int k = 0; k < kBlockVectors; ++k) block.v[k] = load_first(from + k * kLanes, count - k * kLanes);
  return block;
}
FASTCV_HD void store_block(float* to, const Block& block, int count) {
  FASTCV_UNROLL
  for (int k = 0; k < kBlockVectors; ++k) store_first(to + k * kLanes, block.v[k], count - k * kLanes);
}

// Lane i of two vectors one after the other, from lane `kFirst` on.
template <int kFirst>
FASTCV_HD Floats lanes_from(Floats a, Floats b) {
  return __builtin_shuffle(a, b, lane_indices() + kFirst);
}

// Each value's neighbour kBy places before it, or behind it; 0 where there is none.
template <int kBy>
FASTCV_HD Block before(const Block& x) {
  constexpr int kWhole = kBy / kLanes, kPart = kBy % kLanes;
  const auto vector = [&](int k) { return k < 0 ? Floats{} : x.v[k]; };
  Block result;
  FASTCV_UNROLL
  for (int k = 0; k < kBlockVectors; ++k) {
    result.v[k] =
        kPart == 0 ? vector(k - kWhole) : lanes_from<kLanes - kPart>(vector(k - kWhole - 1), vector(k - kWhole));
  }
  return result;
}
template <int kBy>
FASTCV_HD Block behind(const Block& x) {
  constexpr int kWhole = kBy / kLanes, kPart = kBy % kLanes;
  const auto vector = [&](int k) { return k < kBlockVectors ? x.v[k] : Floats{}; };
  Block result;
  FASTCV_UNROLL
  for (int k = 0; k < kBlockVectors; ++k) {
    result.v[k] = kPart == 0 ? vector(k + kWhole) : lanes_from<kPart>(vector(k + kWhole), vector(k + kWhole + 1));
  }
  return result;
}

// combine(what lies before, own) of all values up to each. Source: Hillis & Steele 1986, "Data parallel algorithms".
template <class Op>
FASTCV_HD Block scan(Block x, const Op& combine) {
  x = map(combine, before<1>(x), x);
  x = map(combine, before<2>(x), x);
  x = map(combine, before<4>(x), x);
  return map(combine, before<8>(x), x);
}
// The sum of each value and all behind it; the first is the block's.
FASTCV_HD Block sums_behind(Block x) {
  x = x + behind<1>(x);
  x = x + behind<2>(x);
  x = x + behind<4>(x);
  return x + behind<8>(x);
}

FASTCV_HD float first_of(const Block& x) { return x.v[0][0]; }
FASTCV_HD float last_of(const Block& x) { return x.v[kBlockVectors - 1][kLanes - 1]; }
FASTCV_HD float sum_of(const Block& x) { return first_of(sums_behind(x)); }

// kLanes rows of three values as three columns, and back.
FASTCV_HD void columns_of_triples(const Floats (&rows)[3], Floats (&columns)[3]) {
  FASTCV_UNROLL
  for (int c = 0; c < 3; ++c) {
    Ints from_two, from_third;
    for (int i = 0; i < kLanes; ++i) {
      const int place = 3 * i + c;
      from_two[i] = place < 2 * kLanes ? place : 0;
      from_third[i] = place < 2 * kLanes ? i : place - kLanes;
    }
    columns[c] = __builtin_shuffle(__builtin_shuffle(rows[0], rows[1], from_two), rows[2], from_third);
  }
}
FASTCV_HD void triples_of_columns(const Floats (&columns)[3], Floats (&rows)[3]) {
  FASTCV_UNROLL
  for (int v = 0; v < 3; ++v) {
    Ints from_two, from_third;
    for (int i = 0; i < kLanes; ++i) {
      const int place = v * kLanes + i, row = place / 3, c = place % 3;
      from_two[i] = c == 0 ? row : kLanes + row;
      from_third[i] = c == 2 ? kLanes + row : i;
    }
    rows[v] = __builtin_shuffle(__builtin_shuffle(columns[0], columns[1], from_two), columns[2], from_third);
  }
}

}  // namespace fastcv::FASTCV_ISA
