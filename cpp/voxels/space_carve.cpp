// SPDX-License-Identifier: Apache-2.0
// Splits pixels, layers and voxels of a space carving over threads.
#include "voxels/space_carve.h"

#include <algorithm>

#include "core/parallel.h"
#include "voxels/space_carve.hd.h"

namespace fastcv::voxels {
namespace {

using namespace generic;

constexpr std::int64_t kPixels = 4096;  // a range's

template <class Body>
void for_each(std::int64_t n, std::int64_t grain, int num_threads, const Body& body) {
  parallel_for(n, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

// body(pixel) for the pixels of a view's marked tiles.
template <class Body>
void for_each_pixel(const std::int64_t* size, const std::uint8_t* tiles, int num_threads, const Body& body) {
  const std::int64_t columns = sight_tiles(size[1]);
  for_each(columns * sight_tiles(size[0]), 16, num_threads, [&](std::int64_t tile) {
    if (!tiles[tile]) return;
    const std::int64_t top = tile / columns * kSightTile, left = tile % columns * kSightTile;
    for (std::int64_t y = top; y < std::min(top + kSightTile, size[0]); ++y) {
      for (std::int64_t x = left; x < std::min(left + kSightTile, size[1]); ++x) body(y * size[1] + x);
    }
  });
}

// counts[layer] = how many of its voxels in touched blocks body(number) is true for.
template <class Body>
void count_layers(const std::int64_t* shape, const std::uint8_t* touched, std::int64_t* counts, int num_threads,
                  const Body& body) {
  const std::int64_t columns = blocks_along(shape[2]), rows = blocks_along(shape[1]);
  for_each(shape[0], 1, num_threads, [&](std::int64_t layer) {
    counts[layer] = 0;
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      const std::uint8_t* blocks = touched + (layer / kBlock * rows + y / kBlock) * columns;
      for (std::int64_t block = 0; block < columns; ++block) {
        if (!blocks[block]) continue;
        const std::int64_t row = (layer * shape[1] + y) * shape[2];
        const std::int64_t end = std::min(shape[2], (block + 1) * kBlock);
        for (std::int64_t x = block * kBlock; x < end; ++x) counts[layer] += body(row + x);
      }
    }
  });
}

}  // namespace

void pack_photograph(View<const std::uint8_t, 3> image, std::int32_t* pixels, int num_threads) {
  for_each(image.shape[0] * image.shape[1], kPixels, num_threads, PackPixel{image, pixels});
}

void cast_rays(const double* geometry, View<const std::uint8_t, 3> states, View<std::int64_t, 2> voxels, float* depths,
               const std::uint8_t* tiles, std::uint8_t* changed, int num_threads) {
  const std::int64_t* s = states.shape;
  const CastRay cast{geometry, {s[0], s[1], s[2]}, voxels.shape[1], states.data, {voxels.data, depths}, changed};
  for_each_pixel(voxels.shape, tiles, num_threads, cast);
}

void touch_blocks(const Photographs& photos, const std::int64_t* shape, const std::uint8_t* changed,
                  std::uint8_t* touched, int num_threads) {
  const std::int64_t blocks = blocks_along(shape[0]) * blocks_along(shape[1]) * blocks_along(shape[2]);
  for_each(blocks, 256, num_threads, TouchBlock{photos, {shape[0], shape[1], shape[2]}, changed, touched});
}

void judge_voxels(const Photographs& photos, const Consistency& rule, const float* depths,
                  View<const std::uint8_t, 3> states, const std::uint8_t* changed, const std::uint8_t* touched,
                  std::uint8_t* marks, std::uint8_t* tiles, std::int64_t* counts, int num_threads) {
  const std::int64_t* s = states.shape;
  const JudgeVoxel judge{photos, rule, {s[0], s[1], s[2]}, depths, states.data, changed, marks, tiles};
  count_layers(s, touched, counts, num_threads, judge);
}

void hold_rays(const double* geometry, View<std::uint8_t, 3> states, const std::uint8_t* marks,
               View<const std::int64_t, 2> voxels, const std::uint8_t* tiles, int num_threads) {
  const std::int64_t* s = states.shape;
  const HoldRay hold{geometry, {s[0], s[1], s[2]}, voxels.shape[1], states.data, marks, voxels.data};
  for_each_pixel(voxels.shape, tiles, num_threads, hold);
}

void take_voxels(View<std::uint8_t, 3> states, const std::uint8_t* touched, std::uint8_t* marks, std::int64_t* counts,
                 std::uint8_t* touches, int num_threads) {
  const std::int64_t* s = states.shape;
  count_layers(s, touched, counts, num_threads, TakeVoxel{{s[0], s[1], s[2]}, states.data, marks, touches});
}

void observe_voxels(const Photographs& photos, const float* depths, const std::int64_t* shape,
                    View<const std::int64_t, 1> voxels, float* colors, float* shares, int num_threads) {
  for_each(voxels.shape[0], 256, num_threads,
           ObserveVoxel{photos, {shape[0], shape[1], shape[2]}, depths, voxels.data, colors, shares});
}

}  // namespace fastcv::voxels
