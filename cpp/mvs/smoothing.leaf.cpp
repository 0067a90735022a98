// SPDX-License-Identifier: Apache-2.0
// Semi-global smoothing of one row of a sweep's costs, compiled once per instruction set.
#include <cstddef>
#include <cstdint>

#include "core/interrupt.h"
#include "mvs/arena.h"
#include "mvs/path_lanes.h"
#include "mvs/smooth_pixel.hd.h"
#include "mvs/sweep_tile.h"
#include "mvs/tile_levels.h"
// The declarations come after what they mention.
#include "mvs/smoothing.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

using fastcv::mvs::LevelBand;
using fastcv::mvs::SmoothSink;
using fastcv::mvs::Sweep;
using fastcv::mvs::Tile;

// What a row keeps from one range of columns to the next, and room for one pixel. Before the first total and after the
// last one there is one that is never the least.
struct Row {
  int num_vectors;
  std::uint8_t *along_row, *sum;  // the path along the row, its least at the end; what paths from below add
  std::uint16_t *total, *index;

  Row(const LevelBand& band, Arena& arena)
      : num_vectors(static_cast<int>((band.num_surfaces + kBytes - 1) / kBytes)),
        along_row(arena.take<std::uint8_t>(band.padded + 1)),
        sum(arena.take<std::uint8_t>(band.padded)),
        total(arena.take<std::uint16_t>(band.padded + 2 * kBytes) + kBytes),
        index(arena.take<std::uint16_t>(band.padded)) {}

  void start(const LevelBand& band) const {
    for (std::int64_t d = 0; d <= band.padded; ++d) along_row[d] = 0;
    for (std::int64_t d = 0; d < band.padded; ++d) index[d] = static_cast<std::uint16_t>(d);
    total[-1] = total[num_vectors * kBytes] = 0xffff;
  }
};

// Takes the path along the row and those from the row before through columns [begin, end); per pixel sum_of(x, y) says
// where to put what they add, and done(x, y) follows.
template <class SumOf, class Done>
FASTCV_HD void follow(const LevelBand& band, const Row& row, std::int64_t index, bool from_below, std::int64_t begin,
                      std::int64_t end, std::byte* paths, const SumOf& sum_of, const Done& done) {
  const std::int64_t y = from_below ? band.height - 1 - index : index;
  const Bytes p1 = splat_byte(static_cast<std::uint8_t>(band.smoothing.p1)),
              p2 = splat_byte(static_cast<std::uint8_t>(band.smoothing.p2));
  if (begin == 0) row.start(band);
  Bytes least = splat_byte(row.along_row[band.padded]);
  PathsFromAbove above(paths, band.num_slots, band.padded, band.width, index, begin);
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t x = from_below ? band.width - 1 - i : i;
    const std::uint8_t* levels = band.levels + band.at(y, x);
    std::uint8_t* sum = sum_of(x, y);
    least = advance<true>(levels, row.num_vectors, p1, p2, least, row.along_row, sum);
    above.advance_to(i, levels, row.num_vectors, p1, p2, sum);
    done(x, y);
  }
  row.along_row[band.padded] = least[0];
}

// Adds up what a pixel has on every surface; returns the least.
std::uint16_t add_up(const Row& row, const std::uint8_t* levels, const std::uint8_t* sums) {
  Words least = splat_word(0xffff);
  for (int v = 0; v < row.num_vectors; ++v) {
    Words from_above[2], from_below[2];
    times_and_plus<kNumSweepPaths>(load<Bytes>(levels + v * kBytes), load<Bytes>(sums + v * kBytes), from_above[0],
                                   from_above[1]);
    times_and_plus<1>(load<Bytes>(row.sum + v * kBytes), Bytes{}, from_below[0], from_below[1]);
    FASTCV_UNROLL
    for (int half = 0; half < 2; ++half) {
      const Words total = from_above[half] + from_below[half];
      store(row.total + v * kBytes + half * kWords, total);
      least = smaller(least, total);
    }
  }
  return smallest(least);
}

// The state of Winner after the last surface, from all totals at once.
Winner<float> winner_of(const Row& row, std::uint16_t best, float cost_per_total) {
  int index = 0;
  for (int lane = kWords; lane == kWords; index += lane) lane = first_equal(load<Words>(row.total + index), best);
  Words rival = splat_word(0xffff), worst = Words{};
  for (int d = 0; d < row.num_vectors * kBytes; d += kWords) {
    const Words before = load<Words>(row.total + d - 1), here = load<Words>(row.total + d),
                after = load<Words>(row.total + d + 1);
    const Words no_rival = (Words)(before <= here) | (Words)(here > after) |
                           (Words)(load<Words>(row.index + d) == static_cast<std::uint16_t>(index));
    rival = smaller(rival, here | no_rival);
    worst = larger(worst, here & (Words)(here < static_cast<std::uint16_t>(kNoTotal)));
  }
  const auto cost = [&](std::uint16_t total) { return total < kNoTotal ? float(total) * cost_per_total : kUnseen; };
  Winner<float> winner;
  winner.best = cost(best);
  winner.rival = cost(smallest(rival));
  winner.below = cost(row.total[index - 1]);
  winner.above = cost(row.total[index + 1]);
  winner.worst = cost(static_cast<std::uint16_t>(~smallest(~worst)));
  winner.surface = index;
  return winner;
}

void write_costs(const LevelBand& band, const Row& row, const View<float, 3>& out, std::int64_t x, std::int64_t y) {
  const float cost_per_level = cost_per_total(band.smoothing.max_cost);
  for (std::int64_t d = 0; d < band.num_surfaces; ++d) {
    out(d, y, x) = float(row.total[d]) * cost_per_level;
  }
}

// The lanes of a vector that lie inside the row.
Floats load_lanes(const float* from, std::int64_t count) {
  if (count >= kLanes) return load<Floats>(from);
  Floats lanes{};
  for (std::int64_t i = 0; i < count; ++i) lanes[i] = from[i];
  return lanes;
}

}  // namespace

std::int64_t stored_levels(View<const float, 3> costs, const Tile& tile, const LevelBand& band, std::byte* scratch) {
  Arena arena(scratch);
  TileLevels levels(band, tile, arena);
  if (scratch == nullptr) return arena.used();
  for (std::int64_t d = 0; d < costs.shape[0]; ++d) {
    for (std::int64_t row = 0; row < tile.height; ++row) {
      const float* from = &costs(d, tile.y + row, tile.x);
      for (std::int64_t x = 0; x < tile.width; x += kLanes) levels.put(d, row, x, load_lanes(from + x, tile.width - x));
    }
    levels.finish(d);
  }
  return arena.used();
}

std::int64_t sweep_levels(const Sweep& sweep, const Tile& tile, const LevelBand& band, std::byte* scratch) {
  return with_kind(sweep, [&](auto kind) {
    Arena arena(scratch);
    TileSweep<decltype(kind)::kCost, decltype(kind)::kChannels> sweeper(sweep, tile, arena);
    TileLevels levels(band, tile, arena);
    if (scratch == nullptr) return arena.used();
    sweeper.prepare();
    for (std::int64_t d = 0; d < sweep.hypotheses.num; ++d) {
      poll_interrupt();
      sweeper.surface(d, [&](std::int64_t row, std::int64_t x, Floats cost, Ints) { levels.put(d, row, x, cost); });
      levels.finish(d);
    }
    return arena.used();
  });
}

std::int64_t smoothing_row_bytes(const LevelBand& band) {
  Arena arena(nullptr);
  const Row row(band, arena);
  return arena.used();
}

std::int64_t smoothing_path_bytes(const LevelBand& band) { return PathsFromAbove::bytes(band.num_slots, band.padded); }

void smooth_from_above(const LevelBand& band, std::int64_t row, std::int64_t begin, std::int64_t end,
                       std::byte* scratch, std::byte* paths) {
  Arena arena(scratch);
  follow(
      band, Row(band, arena), row, false, begin, end, paths,
      [&](std::int64_t x, std::int64_t y) { return band.sums + band.at(y, x); }, [](std::int64_t, std::int64_t) {});
}

void smooth_from_below(const LevelBand& band, const SmoothSink& sink, std::int64_t row, std::int64_t begin,
                       std::int64_t end, std::byte* scratch, std::byte* paths) {
  Arena arena(scratch);
  const Row r(band, arena);
  const float cost_per_level = cost_per_total(band.smoothing.max_cost);
  follow(
      band, r, row, true, begin, end, paths, [&](std::int64_t, std::int64_t) { return r.sum; },
      [&](std::int64_t x, std::int64_t y) {
        const std::uint16_t best = add_up(r, band.levels + band.at(y, x), band.sums + band.at(y, x));
        if (sink.costs.data != nullptr) return write_costs(band, r, sink.costs, x, y);
        const WinnerPixel pixel = finish_smooth(*sink.sweep, winner_of(r, best, cost_per_level), x, y);
        sink.map.depth(y, x) = pixel.depth;
        sink.map.confidence(y, x) = pixel.confidence;
        sink.map.cost(y, x) = pixel.cost;
      });
}

}  // namespace fastcv::FASTCV_ISA::mvs
