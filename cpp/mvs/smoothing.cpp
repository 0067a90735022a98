// SPDX-License-Identifier: Apache-2.0
// Smooths the costs of a sweep band by band: from above, then from below.
#include "mvs/smoothing.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/parallel.h"
#include "mvs/follow_rows.h"
#include "mvs/for_each_tile.h"
#include "mvs/level_band.h"

#define FASTCV_LEAF "mvs/smoothing.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

std::int64_t sweep_levels(const Sweep& sweep, const Tile& tile, const LevelBand& band, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::sweep_levels(sweep, tile, band, scratch));
}
std::int64_t stored_levels(View<const float, 3> costs, const Tile& tile, const LevelBand& band, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::stored_levels(costs, tile, band, scratch));
}
std::int64_t smoothing_row_bytes(const LevelBand& band) { FASTCV_DISPATCH(mvs::smoothing_row_bytes(band)); }
std::int64_t smoothing_path_bytes(const LevelBand& band) { FASTCV_DISPATCH(mvs::smoothing_path_bytes(band)); }
void smooth_from_above(const LevelBand& band, std::int64_t row, std::int64_t begin, std::int64_t end,
                       std::byte* scratch, std::byte* paths) {
  FASTCV_DISPATCH(mvs::smooth_from_above(band, row, begin, end, scratch, paths));
}
void smooth_from_below(const LevelBand& band, const SmoothSink& sink, std::int64_t row, std::int64_t begin,
                       std::int64_t end, std::byte* scratch, std::byte* paths) {
  FASTCV_DISPATCH(mvs::smooth_from_below(band, sink, row, begin, end, scratch, paths));
}

// Paths from above need the rows above, those from below the rows below. Where not all costs are held, what the paths
// carried into each band is, and its costs are made a second time when the paths come up again.
template <class Fill>
void smooth(const Smoothing& smoothing, std::int64_t num_surfaces, std::int64_t height, std::int64_t width,
            const SmoothSink& sink, int num_threads, const Fill& fill) {
  const int threads = num_threads > 0 ? num_threads : default_num_threads();
  const std::int64_t rows = std::min(smoothing.band_rows, height), bands = (height + rows - 1) / rows;
  LevelBand band{smoothing, height, width,           num_surfaces, (num_surfaces + 63) / 64 * 64,
                 0,         rows,   width + threads, nullptr,      nullptr};
  const std::int64_t path_bytes = smoothing_path_bytes(band), half = rows * width * band.padded;
  ScratchPool volumes(2 * half), scratch_rows(smoothing_row_bytes(band)), states((bands + 1) * path_bytes);
  const ScratchPool::Block volume(volumes), state(states);
  band.levels = reinterpret_cast<std::uint8_t*>(volume.get());
  band.sums = band.levels + half;
  std::byte* const paths = state.get() + bands * path_bytes;
  const auto take = [&](std::int64_t k) {
    band.first_row = k * rows;
    band.num_rows = std::min(rows, height - band.first_row);
    fill(band);
  };
  const auto follow = [&](std::int64_t first, const auto& columns) {
    follow_rows(band.num_rows, width, threads, [&](std::int64_t i, const auto& for_each_range) {
      const ScratchPool::Block scratch(scratch_rows);
      for_each_range([&](std::int64_t begin, std::int64_t end) { columns(first + i, begin, end, scratch.get()); });
    });
  };
  const auto from_above = [&] {
    follow(band.first_row, [&](std::int64_t row, std::int64_t begin, std::int64_t end, std::byte* scratch) {
      smooth_from_above(band, row, begin, end, scratch, paths);
    });
  };
  std::memset(paths, 0, path_bytes);
  for (std::int64_t k = 0; k < bands; ++k) {
    std::memcpy(state.get() + k * path_bytes, paths, path_bytes);
    take(k);
    from_above();
  }
  std::byte* const paths_from_below = state.get() + (bands - 1) * path_bytes;  // the last band needs no state again
  std::memset(paths_from_below, 0, path_bytes);
  for (std::int64_t k = bands - 1; k >= 0; --k) {
    if (k < bands - 1) {
      std::memcpy(paths, state.get() + k * path_bytes, path_bytes);
      take(k);
      from_above();
    }
    follow(height - band.first_row - band.num_rows,
           [&](std::int64_t row, std::int64_t begin, std::int64_t end, std::byte* scratch) {
             smooth_from_below(band, sink, row, begin, end, scratch, paths_from_below);
           });
  }
}

}  // namespace

void estimate_smooth_depth(const Sweep& sweep, const Smoothing& smoothing, const DepthMap& out, int num_threads) {
  smooth(smoothing, sweep.hypotheses.num, sweep.reference.height, sweep.reference.width, {&sweep, out, {}}, num_threads,
         [&](const LevelBand& band) {
           for_each_tile(
               band.first_row, band.num_rows, band.width, kTileHeight, num_threads,
               [&](const Tile& tile, std::byte* scratch) { return sweep_levels(sweep, tile, band, scratch); });
         });
}

void smooth_costs(View<const float, 3> costs, const Smoothing& smoothing, View<float, 3> out, int num_threads) {
  smooth(smoothing, costs.shape[0], costs.shape[1], costs.shape[2], {nullptr, {}, out}, num_threads,
         [&](const LevelBand& band) {
           for_each_tile(
               band.first_row, band.num_rows, band.width, kTileHeight, num_threads,
               [&](const Tile& tile, std::byte* scratch) { return stored_levels(costs, tile, band, scratch); });
         });
}

}  // namespace fastcv::mvs
