// SPDX-License-Identifier: Apache-2.0
// The sweep over one tile of the reference, surface by surface, with everything it touches again kept in cache.
#pragma once

#include "mvs/tile_windows.h"

namespace fastcv::FASTCV_ISA {

template <mvs::MatchCost Cost, int Channels>
class TileSweep {
 public:
  TileSweep(const mvs::Sweep& sweep, const mvs::Tile& tile, Arena& arena)
      : s_(sweep), tile_(tile), samples_(sweep, tile, arena), windows_(sweep, tile, samples_, arena) {
    const std::int64_t vectors = tile.height * samples_.stride();
    costs_ = arena.take<float>(vectors * s_.num_best * (s_.weighted ? 2 : 1));
    num_seen_ = arena.take<std::int32_t>(vectors);
    words_ = arena.take<std::int32_t>(s_.num_sources * samples_.stride());
  }

  void prepare() {
    samples_.prepare();
    windows_.prepare();
  }

  // Costs of one surface; emit(row, x, cost, number of sources that see the pixel) gets every vector of the tile.
  template <class Emit>
  void surface(std::int64_t index, const Emit& emit) {
    samples_.set_surface(index);
    if (Cost == mvs::MatchCost::sad && s_.window == 1) return surface_without_window(emit);
    for (int k = 0; k < s_.num_sources; ++k) {
      samples_.warp_source(k);
      windows_.costs([&](std::int64_t at, std::int64_t, Floats cost) {
        StoredCosts list = costs_at(at);
        add_cost(s_, k, cost, list);
        store(num_seen_ + at, one_if_seen(cost) + (k == 0 ? Ints{} : load<Ints>(num_seen_ + at)));
      });
    }
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        const std::int64_t at = row * stride() + x;
        emit_usable(emit, row, x, mean_cost<Floats>(s_, costs_at(at)), load<Ints>(num_seen_ + at));
      }
    }
  }

  std::int64_t stride() const { return samples_.stride(); }

 private:
  // The costs of one vector that count so far, in memory, and behind them their weights.
  struct StoredCosts {
    float *costs, *weights;
    std::int64_t stride;
    Floats cost(int i) const { return load<Floats>(costs + i * stride); }
    Floats weight(int i) const { return load<Floats>(weights + i * stride); }
    void set_cost(int i, Floats cost) { store(costs + i * stride, cost); }
    void set_weight(int i, Floats weight) { store(weights + i * stride, weight); }
  };
  StoredCosts costs_at(std::int64_t at) const {
    const std::int64_t vectors = tile_.height * stride();
    return {costs_ + at, costs_ + s_.num_best * vectors + at, vectors};
  }

  // SAD of single pixels: a row at a time, and nothing of it but the words leaves the registers.
  template <class Emit>
  void surface_without_window(const Emit& emit) {
    const float scale = sad_scale(1.0F, Channels);
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      for (int k = 0; k < s_.num_sources; ++k) samples_.make_words(k, row, words_ + k * stride());
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        CostList<Floats> list;
        Ints num_seen{};
        for (int k = 0; k < s_.num_sources; ++k) {
          const Floats cost = sad_cost<Floats>(load<Ints>(words_ + k * stride() + x), splat(scale));
          add_cost(s_, k, cost, list);
          num_seen += one_if_seen(cost);
        }
        emit_usable(emit, row, x, mean_cost<Floats>(s_, list), num_seen);
      }
    }
  }

  // A pixel that the reference's own mask takes out has no cost.
  template <class Emit>
  void emit_usable(const Emit& emit, std::int64_t row, std::int64_t x, Floats cost, Ints num_seen) const {
    if (!s_.reference.masked) return emit(row, x, cost, num_seen);
    const std::int64_t margin = samples_.margin();
    const Ints usable = load<Ints>(samples_.inside() + (row + margin) * stride() + x + margin);
    emit(row, x, select(usable, cost, splat(__builtin_nanf(""))), num_seen & usable);
  }

  const mvs::Sweep& s_;
  const mvs::Tile tile_;
  TileSamples<Cost, Channels> samples_;
  TileWindows<Cost, Channels> windows_;
  float* costs_;            // (num_best, tile rows, stride), then as many weights: CostList of every pixel
  std::int32_t* num_seen_;  // (tile rows, stride)
  std::int32_t* words_;     // (sources, stride): of a row, where there is no window
};

template <mvs::MatchCost Cost, int Channels>
struct Kind {
  static constexpr mvs::MatchCost kCost = Cost;
  static constexpr int kChannels = Channels;
};

// Calls use with the Kind of the sweep.
template <class Use>
std::int64_t with_kind(const mvs::Sweep& sweep, const Use& use) {
  switch (sweep.cost) {
    case mvs::MatchCost::ncc:
      return use(Kind<mvs::MatchCost::ncc, 1>{});
    case mvs::MatchCost::census:
      return use(Kind<mvs::MatchCost::census, 1>{});
    case mvs::MatchCost::gradient:
      return use(Kind<mvs::MatchCost::gradient, 1>{});
    default:
      return sweep.channels == 1 ? use(Kind<mvs::MatchCost::sad, 1>{}) : use(Kind<mvs::MatchCost::sad, 3>{});
  }
}

}  // namespace fastcv::FASTCV_ISA
