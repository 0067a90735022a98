// SPDX-License-Identifier: Apache-2.0
// Does a view see a voxel's centre, and is it foreground there? And the same for all voxels of a box at once.
#pragma once

#include "voxels/projection.hd.h"

namespace fastcv::FASTCV_ISA {

struct Silhouette : Frame {
  const std::int32_t* words;
  const std::int64_t* sums;
};

FASTCV_HD Silhouette view_of(const voxels::Silhouettes& all, std::int64_t view) {
  const std::int64_t* layout = all.layout + view * voxels::kLayout;
  return {frame(all.image_from_voxel, all.layout, view), all.words + layout[2], all.sums + layout[3]};
}

template <class D, int kColumns>
FASTCV_HD Saying<Int32Of<D>> look(const Silhouette& s, double x, double y, double z, int i,
                                  std::int32_t outside_violates) {
  const Pixel<D> p = pixel_at(s, position<D, kColumns>(s, x, y, z, i));
  const Int32Of<D> tile = 1 + (p.row >> 2) * static_cast<std::int32_t>(s.tile_columns) + (p.column >> 2);
  const Int32Of<D> bit = ((p.row & 3) << 2) + (p.column & 3);
  const Int32Of<D> kind = shifted_right(gather(s.words, keep_if(p.inside, tile)), bit);
  const Int32Of<D> shows = kind & 1, sees = (kind >> 16) & 1;
  return {sees, (sees - shows) + (1 - sees) * outside_violates};
}

// What the view may say of the voxels of the box.
FASTCV_HD std::uint32_t sayings(const Silhouette& s, const Box& box) {
  constexpr std::uint32_t kAny = kUnseen | kBackground | kForeground;
  const Extent e = extent(s, box);
  if (e.behind) return kUnseen;
  if (!e.in_front) return kAny;
  if (e.beside(s)) return kUnseen;
  if (!e.within(s)) return kAny;
  const std::int64_t left = std::int64_t(e.u_low) / voxels::kTile, right = std::int64_t(e.u_high) / voxels::kTile + 1;
  const std::int64_t top = std::int64_t(e.v_low) / voxels::kTile, bottom = std::int64_t(e.v_high) / voxels::kTile + 1;
  const auto tiles = static_cast<std::uint64_t>((right - left) * (bottom - top));
  if (tiles >> kSumField != 0) return kAny;
  const auto sum = [&](std::int64_t row, std::int64_t column) {
    return static_cast<std::uint64_t>(s.sums[row * (s.tile_columns + 1) + column]);
  };
  const std::uint64_t kinds = sum(bottom, right) - sum(bottom, left) - sum(top, right) + sum(top, left);
  if (kinds == tiles) return kForeground;
  if (kinds == tiles << kSumField) return kBackground;
  return kinds == tiles << (2 * kSumField) ? kUnseen : kAny;
}

}  // namespace fastcv::FASTCV_ISA
