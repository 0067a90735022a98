// SPDX-License-Identifier: Apache-2.0
// Space carving by photo-consistency, for one pixel, one ray, one voxel (Kutulakos & Seitz 2000; visibility as in
// Culbertson, Malzbender & Slabaugh 1999).
#pragma once

#include "voxels/observation.hd.h"
#include "voxels/relaxed.hd.h"
#include "voxels/sight_tiles.hd.h"
#include "voxels/voxel_ray.hd.h"

namespace fastcv::FASTCV_ISA {

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

// Follows a pixel's ray from the voxel that it has come to on to the first that is occupied; marks the pixel's tile if
// that is another one.
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

// Blocks of voxels of which one may be seen by a pixel of a changed tile.
struct TouchBlock {
  voxels::Photographs photos;
  std::int64_t shape[3];
  const std::uint8_t* changed;
  std::uint8_t* touched;
  FASTCV_HD void operator()(std::int64_t block) const {
    if (touched[block]) return;
    constexpr double kHalf = 0.5 * voxels::kBlock;
    const std::int64_t columns = blocks_along(shape[2]), rows = blocks_along(shape[1]);
    const double center[3] = {double(block % columns * voxels::kBlock) + kHalf,
                              double(block / columns % rows * voxels::kBlock) + kHalf,
                              double(block / columns / rows * voxels::kBlock) + kHalf};
    const std::uint8_t* marked = changed;
    touched[block] = visit_tiles(photos, center, kHalf, [marked](std::int64_t tile) { return marked[tile] != 0; });
  }
};

// Whether one of a voxel's six neighbours passes a test, or lies outside of the grid and `beyond` is true.
template <class Test>
FASTCV_HD bool any_neighbor(const std::int64_t* shape, const std::int64_t* voxel, bool beyond, const Test& test) {
  const std::int64_t number = voxel_number(shape, voxel);
  std::int64_t stride = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t size = shape[2 - axis];
    if (voxel[axis] == 0 ? beyond : test(number - stride)) return true;
    if (voxel[axis] == size - 1 ? beyond : test(number + stride)) return true;
    stride *= size;
  }
  return false;
}

// Whether a voxel is to go. One remains as it was if none of its neighbours has gone and no pixel of a changed tile may
// see it. `tiles` are marked where a pixel may see one that goes.
struct JudgeVoxel {
  voxels::Photographs photos;
  voxels::Consistency rule;
  std::int64_t shape[3];
  const float* depths;
  const std::uint8_t *states, *changed;
  std::uint8_t *marks, *tiles;

  // Nobody writes the mark of a free voxel while others are judged.
  FASTCV_HD bool may_differ(const std::int64_t* voxel, const double* center) const {
    const JudgeVoxel* self = this;
    const auto gone = [self](std::int64_t number) {
      return self->states[number] == voxels::kFree && self->marks[number] != 0;
    };
    const auto sees_another = [self](std::int64_t tile) { return self->changed[tile] != 0; };
    return any_neighbor(shape, voxel, false, gone) || visit_tiles(photos, center, 0.5, sees_another);
  }
  FASTCV_HD bool inconsistent(const std::int64_t* voxel) const {
    std::int64_t count = 0;
    double sums[3] = {}, squares = 0, rough = 0;
    for (std::int64_t view = 0; view < photos.count; ++view) {
      const Observation seen = observe(photos, depths, view, voxel, true);
      if (seen.share == 0) continue;
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
    if (states[number] != voxels::kOccupied) return false;
    std::int64_t voxel[3];
    voxel_at(shape, number, voxel);
    const std::uint8_t* all = states;
    if (!any_neighbor(shape, voxel, true, [all](std::int64_t i) { return all[i] == voxels::kFree; })) return false;
    const double center[3] = {double(voxel[0]) + 0.5, double(voxel[1]) + 0.5, double(voxel[2]) + 0.5};
    if (!may_differ(voxel, center) || !inconsistent(voxel)) return false;
    marks[number] = 1;
    std::uint8_t* marked = tiles;
    visit_tiles(photos, center, 0.5, [marked](std::int64_t tile) {
      store_relaxed(marked + tile, 1);
      return false;
    });
    return true;
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

// Takes a marked voxel away unless it is held. Whether it went: its mark remains for one more round then, and touches
// are the blocks that it lies in or next to.
struct TakeVoxel {
  std::int64_t shape[3];
  std::uint8_t *states, *marks, *touches;
  FASTCV_HD bool operator()(std::int64_t number) const {
    const bool goes = marks[number] && states[number] == voxels::kOccupied;
    marks[number] = goes;
    if (!goes) return false;
    states[number] = voxels::kFree;
    std::int64_t voxel[3];
    voxel_at(shape, number, voxel);
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t at = voxel[axis], last = shape[2 - axis] - 1;
      for (voxel[axis] = at > 0 ? at - 1 : at; voxel[axis] <= (at < last ? at + 1 : at); ++voxel[axis]) {
        store_relaxed(touches + block_of(shape, voxel), 1);
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
      const Observation seen = observe(photos, depths, view, voxel, false);
      const std::int64_t at = i * photos.count + view;
      shares[at] = static_cast<float>(seen.share);
      for (int c = 0; c < 3; ++c) colors[3 * at + c] = static_cast<float>(seen.color[c]);
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
