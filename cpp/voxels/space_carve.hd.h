// SPDX-License-Identifier: Apache-2.0
// Space carving by photo-consistency, for one pixel, one ray, one voxel (Kutulakos & Seitz 2000; visibility as in
// Culbertson, Malzbender & Slabaugh 1999).
#pragma once

#include "voxels/observation.hd.h"
#include "voxels/relaxed.hd.h"
#include "voxels/voxel_ray.hd.h"

namespace fastcv::FASTCV_ISA {

FASTCV_HD std::int64_t blocks_along(std::int64_t voxels) { return (voxels + voxels::kBlock - 1) / voxels::kBlock; }
FASTCV_HD std::int64_t block_of(const std::int64_t* shape, const std::int64_t* voxel) {
  return (voxel[2] / voxels::kBlock * blocks_along(shape[1]) + voxel[1] / voxels::kBlock) * blocks_along(shape[2]) +
         voxel[0] / voxels::kBlock;
}
FASTCV_HD std::int64_t sight_tiles(std::int64_t pixels) {
  return (pixels + voxels::kSightTile - 1) / voxels::kSightTile;
}
FASTCV_HD std::int64_t sight_tile(std::int64_t width, std::int64_t column, std::int64_t row) {
  return row / voxels::kSightTile * sight_tiles(width) + column / voxels::kSightTile;
}

// A pixel as Photographs has it. Its roughness is that of the 3 x 3 levels around it, as far as they lie in the image:
// the square root of the channels' mean variance.
struct PackPixel {
  View<const std::uint8_t, 3> image;
  std::int32_t* pixels;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t height = image.shape[0], width = image.shape[1], row = i / width, column = i % width;
    const std::int64_t top = row > 0 ? row - 1 : 0, bottom = row + 1 < height ? row + 1 : row;
    const std::int64_t left = column > 0 ? column - 1 : 0, right = column + 1 < width ? column + 1 : column;
    const std::int64_t count = (bottom - top + 1) * (right - left + 1);
    std::int64_t variance = 0;  // of the sum of the channels, times count^2
    std::uint32_t packed = 0;
    for (int channel = 0; channel < 3; ++channel) {
      std::int64_t sum = 0, squares = 0;
      for (std::int64_t y = top; y <= bottom; ++y) {
        for (std::int64_t x = left; x <= right; ++x) {
          const std::int64_t level = image.data[(y * width + x) * 3 + channel];
          sum += level;
          squares += level * level;
        }
      }
      variance += count * squares - sum * sum;
      packed |= std::uint32_t(image.data[i * 3 + channel]) << (8 * channel);
    }
    const double roughness = std::sqrt(double(variance) / double(3 * count * count));  // below 128
    pixels[i] = static_cast<std::int32_t>(packed | static_cast<std::uint32_t>(roughness + 0.5) << 24);
  }
};

// Follows a pixel's ray from the voxel that it has come to on to the first that is occupied, and marks the pixel's tile
// if that is another one.
struct CastRay {
  const double* geometry;
  std::int64_t shape[3], width;
  const std::uint8_t* states;
  voxels::Sight sight;
  std::uint8_t* changed;
  FASTCV_HD void operator()(std::int64_t pixel) const {
    std::int64_t number = sight.voxels[pixel], voxel[3];
    if (number == voxels::kNoVoxel || (number >= 0 && states[number] != voxels::kFree)) return;
    const std::int64_t column = pixel % width, row = pixel / width;
    const VoxelRay ray = voxel_ray(geometry, shape, double(column) + 0.5, double(row) + 0.5);
    bool inside = true;
    if (number == voxels::kNotCast) {
      inside = enter_grid(ray, voxel);
    } else {
      voxel_at(shape, number, voxel);
    }
    while (inside && states[number = voxel_number(shape, voxel)] == voxels::kFree) inside = next_voxel(ray, voxel);
    sight.voxels[pixel] = inside ? number : voxels::kNoVoxel;
    sight.depths[pixel] = inside ? static_cast<float>(depth_of_entry(ray, voxel)) : 0.0F;
    store_relaxed(changed + sight_tile(width, column, row), 1);
  }
};

// Blocks of voxels of which one may be seen by a pixel whose tile has changed.
struct TouchBlock {
  voxels::Photographs photos;
  std::int64_t shape[3];
  const std::uint8_t* changed;
  std::uint8_t* touched;

  // Tiles that the footprints of a block's voxels may reach; false where there are none. The centres project into the
  // rectangle around the corners of the block, where these lie in front, and half a footprint is at most half a pixel
  // or half a voxel at the least depth.
  FASTCV_HD bool tiles(std::int64_t view, const std::int64_t* low, std::int64_t* first, std::int64_t* last) const {
    const double* m = photos.geometry + view * voxels::kGeometry;
    const std::int64_t* layout = photos.layout + view * voxels::kPhotoLayout;
    double least[2] = {HUGE_VAL, HUGE_VAL}, most[2] = {-HUGE_VAL, -HUGE_VAL}, nearest = HUGE_VAL;
    bool behind = false;
    for (int corner = 0; corner < 8; ++corner) {
      const double x = double(low[0] + (corner & 1) * voxels::kBlock);
      const double y = double(low[1] + (corner >> 1 & 1) * voxels::kBlock);
      const double z = double(low[2] + (corner >> 2) * voxels::kBlock);
      const double w = m[8] * x + m[9] * y + m[10] * z + m[11];
      behind |= !(w > 0);
      nearest = w < nearest ? w : nearest;
      for (int i = 0; i < 2; ++i) {
        const double at = (m[4 * i] * x + m[4 * i + 1] * y + m[4 * i + 2] * z + m[4 * i + 3]) / w;
        least[i] = at < least[i] ? at : least[i];
        most[i] = at > most[i] ? at : most[i];
      }
    }
    for (int i = 0; i < 2; ++i) {
      const double size = double(layout[i]), margin = 1 + 0.5 * m[24 + i] / nearest;
      const double from = behind ? 0 : least[i] - margin, to = behind ? size : most[i] + margin;
      if (!(from < size && to > 0)) return false;
      first[i] = static_cast<std::int64_t>(from < 0 ? 0 : from) / voxels::kSightTile;
      last[i] = static_cast<std::int64_t>(to < size ? to : size - 1) / voxels::kSightTile;
    }
    return true;
  }
  FASTCV_HD bool sees_change(std::int64_t block) const {
    const std::int64_t columns = blocks_along(shape[2]), rows = blocks_along(shape[1]);
    const std::int64_t low[3] = {block % columns * voxels::kBlock, block / columns % rows * voxels::kBlock,
                                 block / columns / rows * voxels::kBlock};
    std::int64_t begin = 0;  // of the view's tiles
    for (std::int64_t view = 0; view < photos.count; ++view) {
      const std::int64_t* layout = photos.layout + view * voxels::kPhotoLayout;
      std::int64_t first[2], last[2];
      if (tiles(view, low, first, last)) {
        for (std::int64_t row = first[1]; row <= last[1]; ++row) {
          for (std::int64_t column = first[0]; column <= last[0]; ++column) {
            if (changed[begin + row * sight_tiles(layout[0]) + column]) return true;
          }
        }
      }
      begin += sight_tiles(layout[0]) * sight_tiles(layout[1]);
    }
    return false;
  }
  FASTCV_HD void operator()(std::int64_t block) const {
    if (!touched[block]) touched[block] = sees_change(block);
  }
};

// Is a voxel occupied, and open to at least one of its six neighbours or to the outside of the grid?
FASTCV_HD bool is_exposed(const std::int64_t* shape, const std::uint8_t* states, std::int64_t number) {
  if (states[number] == voxels::kFree) return false;
  std::int64_t voxel[3], stride = 1;
  voxel_at(shape, number, voxel);
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t size = shape[2 - axis];
    if (voxel[axis] == 0 || voxel[axis] == size - 1) return true;
    if (states[number - stride] == voxels::kFree || states[number + stride] == voxels::kFree) return true;
    stride *= size;
  }
  return false;
}

// Whether a voxel is to go, and its mark.
struct JudgeVoxel {
  voxels::Photographs photos;
  voxels::Consistency rule;
  std::int64_t shape[3];
  const float* depths;
  const std::uint8_t* states;
  std::uint8_t* marks;

  FASTCV_HD bool inconsistent(std::int64_t number) const {
    std::int64_t voxel[3], count = 0;
    voxel_at(shape, number, voxel);
    double sums[3] = {}, squares = 0, rough = 0;
    for (std::int64_t view = 0; view < photos.count; ++view) {
      const Observation seen = observe(photos, depths, view, voxel);
      if (seen.share < 0.5) continue;
      ++count;
      for (int i = 0; i < 3; ++i) {
        const double level = rule.gains[3 * view + i] * seen.color[i];
        sums[i] += level;
        squares += level * level;
      }
      rough += seen.roughness * seen.roughness;
    }
    if (count < rule.min_views || count < 2) return false;
    const double n = double(count);
    const double scatter = squares - (sums[0] * sums[0] + sums[1] * sums[1] + sums[2] * sums[2]) / n;
    return scatter / (3 * (n - 1)) > rule.level_variance + rule.slack * (rough / n);
  }
  FASTCV_HD bool operator()(std::int64_t number) const {
    const bool goes = states[number] == voxels::kOccupied && is_exposed(shape, states, number) && inconsistent(number);
    marks[number] = goes;
    return goes;
  }
};

// Holds the voxel that a pixel sees if all that its ray meets is to go.
struct HoldRay {
  const double* geometry;
  std::int64_t shape[3], width;
  std::uint8_t* states;
  const std::uint8_t* marks;
  const std::int64_t* seen;
  FASTCV_HD void operator()(std::int64_t pixel) const {
    const std::int64_t first = seen[pixel];
    if (first < 0 || !marks[first]) return;
    const VoxelRay ray = voxel_ray(geometry, shape, double(pixel % width) + 0.5, double(pixel / width) + 0.5);
    std::int64_t voxel[3];
    voxel_at(shape, first, voxel);
    while (next_voxel(ray, voxel)) {
      const std::int64_t number = voxel_number(shape, voxel);
      if (load_relaxed(states + number) != voxels::kFree && !marks[number]) return;
    }
    store_relaxed(states + first, voxels::kHeld);
  }
};

// Takes a marked voxel away unless it is held, and unmarks it. Whether it went: what it touches must be looked at
// again.
struct TakeVoxel {
  std::int64_t shape[3];
  std::uint8_t *states, *marks, *touched;
  FASTCV_HD bool operator()(std::int64_t number) const {
    const bool goes = marks[number] && states[number] == voxels::kOccupied;
    marks[number] = 0;
    if (!goes) return false;
    states[number] = voxels::kFree;
    std::int64_t voxel[3];
    voxel_at(shape, number, voxel);
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t at = voxel[axis], last = shape[2 - axis] - 1;
      for (voxel[axis] = at > 0 ? at - 1 : at; voxel[axis] <= (at < last ? at + 1 : at); ++voxel[axis]) {
        store_relaxed(touched + block_of(shape, voxel), 1);
      }
      voxel[axis] = at;
    }
    return true;
  }
};

// What every view sees of one of a list of voxels: mean levels, and the share of the footprint that it sees.
struct ObserveVoxel {
  voxels::Photographs photos;
  std::int64_t shape[3];
  const float* depths;
  const std::int64_t* voxels;
  float *colors, *shares;
  FASTCV_HD void operator()(std::int64_t i) const {
    std::int64_t voxel[3];
    voxel_at(shape, voxels[i], voxel);
    for (std::int64_t view = 0; view < photos.count; ++view) {
      const Observation seen = observe(photos, depths, view, voxel);
      const std::int64_t at = i * photos.count + view;
      shares[at] = static_cast<float>(seen.share);
      for (int c = 0; c < 3; ++c) colors[3 * at + c] = static_cast<float>(seen.color[c]);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
