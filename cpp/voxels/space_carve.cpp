// SPDX-License-Identifier: Apache-2.0
// Splits pixels, layers and voxels of a space carving over threads.
#include "voxels/space_carve.h"

#include <algorithm>
#include <cstring>

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

std::uint64_t eight_bytes(const std::uint8_t* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
bool has_zero(std::uint64_t bytes) { return ((bytes - 0x0101010101010101U) & ~bytes & 0x8080808080808080U) != 0; }

// Whether none of the eight voxels from this number on is exposed. The first is not at the grid's lower or upper sides.
bool none_exposed(const std::int64_t* shape, const std::uint8_t* states, std::int64_t number) {
  const std::uint64_t row = eight_bytes(states + number);
  if (row == 0) return true;
  if (has_zero(row)) return false;
  const std::int64_t across = shape[2], layer = shape[1] * shape[2];
  for (const std::int64_t step : {std::int64_t(-1), std::int64_t(1), -across, across, -layer, layer}) {
    if (has_zero(eight_bytes(states + number + step))) return false;
  }
  return true;
}

// counts[layer] = how many of its voxels in touched blocks body(number) is true for. skip(number): whether it is false
// for all of the eight from there on; asked where all their neighbours lie in the grid.
template <class Skip, class Body>
void count_layers(const std::int64_t* shape, const std::uint8_t* touched, std::int64_t* counts, int num_threads,
                  const Skip& skip, const Body& body) {
  const std::int64_t columns = blocks_along(shape[2]), rows = blocks_along(shape[1]);
  for_each(shape[0], 1, num_threads, [&](std::int64_t z) {
    counts[z] = 0;
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      const std::uint8_t* blocks = touched + (z / kBlock * rows + y / kBlock) * columns;
      const bool within = z > 0 && z + 1 < shape[0] && y > 0 && y + 1 < shape[1];
      for (std::int64_t block = 0; block < columns; ++block) {
        if (!blocks[block]) continue;
        const std::int64_t first = (z * shape[1] + y) * shape[2], x = block * kBlock;
        const bool inside = within && x > 0 && x + kBlock < shape[2];
        if (inside && skip(first + x)) continue;
        for (std::int64_t i = x; i < std::min(x + kBlock, shape[2]); ++i) counts[z] += body(first + i);
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
  const auto skip = [&](std::int64_t number) { return none_exposed(s, states.data, number); };
  count_layers(s, touched, counts, num_threads, skip, judge);
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
  const auto skip = [&](std::int64_t number) { return eight_bytes(marks + number) == 0; };
  count_layers(s, touched, counts, num_threads, skip, TakeVoxel{{s[0], s[1], s[2]}, states.data, marks, touches});
}

void observe_voxels(const Photographs& photos, const float* depths, const std::int64_t* shape,
                    View<const std::int64_t, 1> voxels, float* colors, float* shares, int num_threads) {
  for_each(voxels.shape[0], 256, num_threads,
           ObserveVoxel{photos, {shape[0], shape[1], shape[2]}, depths, voxels.data, colors, shares});
}

}  // namespace fastcv::voxels
