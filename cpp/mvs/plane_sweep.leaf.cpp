// SPDX-License-Identifier: Apache-2.0
// Plane sweep over one tile, compiled once per instruction set.
#include <cstddef>

#include "core/interrupt.h"
#include "mvs/plane_sweep.h"
#include "mvs/sweep_tile.h"
#include "mvs/winner.hd.h"
// The declarations come after what they mention.
#include "mvs/plane_sweep.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

using fastcv::mvs::CostVolume;
using fastcv::mvs::DepthMap;
using fastcv::mvs::Hypotheses;
using fastcv::mvs::MatchCost;
using fastcv::mvs::Sweep;
using fastcv::mvs::Tile;

// Stores the lanes of a vector that lie inside the row.
void store_lanes(float* to, std::int64_t count, Floats value) {
  if (count >= kLanes) {
    store(to, value);
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = value[i];
  }
}

// The winners of a tile while surfaces pass: one array per field of Winner.
class Winners {
 public:
  Winners(const Tile& tile, std::int64_t stride, Arena& arena) : tile_(tile), stride_(stride) {
    for (float*& field : fields_) field = arena.take<float>(tile.height * stride);
  }
  void clear() {
    for (std::int64_t i = 0; i < tile_.height * stride_; i += kLanes) put(i, {});
  }
  void add(std::int64_t row, std::int64_t x, Floats cost, std::int64_t surface) {
    Winner<Floats> winner = get<Floats>(row * stride_ + x);
    winner.add(cost, static_cast<std::int32_t>(surface));
    put(row * stride_ + x, winner);
  }
  void finish(const Hypotheses& hypotheses, const DepthMap& out) {
    const std::int64_t height = out.depth.shape[0], width = out.depth.shape[1];
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      for (std::int64_t x = 0; x < tile_.width; ++x) {
        Winner<float> winner = get<float>(row * stride_ + x);
        winner.add(__builtin_nanf(""), static_cast<std::int32_t>(hypotheses.num));
        const std::int64_t u = tile_.x + x, v = tile_.y + row;
        const WinnerPixel pixel = finish_winner(
            winner, hypotheses.num, [&](std::int64_t k) { return inverse_depth(hypotheses, k, height, width, u, v); });
        out.depth(v, u) = pixel.depth;
        out.confidence(v, u) = pixel.confidence;
        out.cost(v, u) = pixel.cost;
      }
    }
  }

 private:
  template <class F>
  Winner<F> get(std::int64_t at) const {
    const auto f = [&](int k) { return load<F>(fields_[k] + at); };
    return {f(0), f(1), f(2), f(3), f(4), f(5), f(6), load<IntOf<F>>(fields_[7] + at)};
  }
  void put(std::int64_t at, const Winner<Floats>& w) {
    const Floats values[7] = {w.before, w.last, w.best, w.rival, w.below, w.above, w.worst};
    for (int k = 0; k < 7; ++k) store(fields_[k] + at, values[k]);
    store(fields_[7] + at, w.surface);
  }

  const Tile tile_;
  const std::int64_t stride_;
  float* fields_[8];
};

template <MatchCost Cost, int Channels>
std::int64_t sweep_costs(const Sweep& sweep, const Tile& tile, const CostVolume& out, std::byte* scratch) {
  Arena arena(scratch);
  TileSweep<Cost, Channels> sweeper(sweep, tile, arena);
  if (scratch == nullptr) return arena.used();
  sweeper.prepare();
  const std::int64_t next_surface = out.costs.shape[1] * out.costs.shape[2];
  for (std::int64_t d = 0; d < sweep.hypotheses.num; ++d) {
    poll_interrupt();  // a tile of many sources and surfaces takes seconds
    sweeper.surface(d, [&](std::int64_t row, std::int64_t x, Floats cost, Ints num_seen) {
      float* to = &out.costs(d, tile.y + row, tile.x + x);
      store_lanes(to, tile.width - x, cost);
      if (d + 1 < sweep.hypotheses.num) __builtin_prefetch(to + next_surface, 1);  // fresh lines are slow to write
      if (out.num_seen.data == nullptr) return;
      std::uint8_t* seen = &out.num_seen(d, tile.y + row, tile.x + x);
      for (std::int64_t i = 0; i < kLanes && i < tile.width - x; ++i) seen[i] = static_cast<std::uint8_t>(num_seen[i]);
    });
  }
  return arena.used();
}

template <MatchCost Cost, int Channels>
std::int64_t sweep_winners(const Sweep& sweep, const Tile& tile, const DepthMap& out, std::byte* scratch) {
  Arena arena(scratch);
  TileSweep<Cost, Channels> sweeper(sweep, tile, arena);
  Winners winners(tile, sweeper.stride(), arena);
  if (scratch == nullptr) return arena.used();
  sweeper.prepare();
  winners.clear();
  for (std::int64_t d = 0; d < sweep.hypotheses.num; ++d) {
    poll_interrupt();
    sweeper.surface(d, [&](std::int64_t row, std::int64_t x, Floats cost, Ints) { winners.add(row, x, cost, d); });
  }
  winners.finish(sweep.hypotheses, out);
  return arena.used();
}

}  // namespace

std::int64_t plane_sweep(const Sweep& sweep, const Tile& tile, const CostVolume& out, std::byte* scratch) {
  return with_kind(sweep, [&](auto kind) {
    return sweep_costs<decltype(kind)::kCost, decltype(kind)::kChannels>(sweep, tile, out, scratch);
  });
}

std::int64_t estimate_depth(const Sweep& sweep, const Tile& tile, const DepthMap& out, std::byte* scratch) {
  return with_kind(sweep, [&](auto kind) {
    return sweep_winners<decltype(kind)::kCost, decltype(kind)::kChannels>(sweep, tile, out, scratch);
  });
}

std::int64_t winner_take_all(View<const float, 3> costs, const Hypotheses& hypotheses, const Tile& tile,
                             const DepthMap& out, std::byte* scratch) {
  Arena arena(scratch);
  const std::int64_t stride = (tile.width + kLanes - 1) / kLanes * kLanes;
  Winners winners(tile, stride, arena);
  float* row_costs = arena.take<float>(stride);
  if (scratch == nullptr) return arena.used();
  winners.clear();
  for (std::int64_t d = 0; d < costs.shape[0]; ++d) {
    for (std::int64_t row = 0; row < tile.height; ++row) {
      const float* from = &costs(d, tile.y + row, tile.x);
      for (std::int64_t x = 0; x < tile.width; ++x) row_costs[x] = from[x];
      for (std::int64_t x = 0; x < tile.width; x += kLanes) winners.add(row, x, load<Floats>(row_costs + x), d);
    }
  }
  winners.finish(hypotheses, out);
  return arena.used();
}

}  // namespace fastcv::FASTCV_ISA::mvs
