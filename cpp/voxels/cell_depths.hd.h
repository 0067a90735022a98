// SPDX-License-Identifier: Apache-2.0
// At which depths the rays of a cell of slopes meet blocks: in parts of the range that all of these take up.
#pragma once

#include "voxels/raycast.h"

namespace fastcv::FASTCV_ISA {

struct CellDepths {
  static constexpr int kParts = 32;

  double near, far;
  std::uint32_t occupied;  // a bit for each part

  CellDepths() = default;
  // range: near and far.
  FASTCV_HD CellDepths(const float* range, std::uint32_t parts) : near(range[0]), far(range[1]), occupied(parts) {}

  FASTCV_HD int part_at(double z) const {
    const double part = (z - near) * (kParts / (far - near));
    return part > 0 ? (part < kParts ? static_cast<int>(part) : kParts - 1) : 0;
  }
  // The parts that a block meets.
  FASTCV_HD std::uint32_t parts_between(double z0, double z1) const {
    const int first = part_at(z0), last = part_at(z1);
    return ~std::uint32_t(0) >> (kParts - 1 - last + first) << first;
  }
  // The least depth from z on at which there may be a block; beyond `far` where there is none.
  FASTCV_HD double next_occupied(double z) const {
    const int first = part_at(z);
    int part = first;
    for (std::uint32_t left = occupied >> first; (left & 1) == 0; left >>= 1, ++part) {
      if (left == 0) return 2 * far;
    }
    const double begin = near + part * ((far - near) / kParts);
    return part > first && begin > z ? begin : z;
  }
};

}  // namespace fastcv::FASTCV_ISA
