// SPDX-License-Identifier: Apache-2.0
// From samples of a tile to one source's cost for each of its pixels: sums over windows, or comparisons within them.
#pragma once

#include "mvs/match_cost.hd.h"
#include "mvs/tile_samples.h"

namespace fastcv::FASTCV_ISA {

template <mvs::MatchCost Cost, int Channels>
class TileWindows {
  using Samples = TileSamples<Cost, Channels>;
  static constexpr bool kNcc = Samples::kNcc, kGradient = Samples::kGradient, kCensus = Cost == mvs::MatchCost::census;
  static constexpr int kNumSums = kNcc ? 3 : 1, kNumFields = kNcc ? 4 : 1;

 public:
  TileWindows(const mvs::Sweep& sweep, const mvs::Tile& tile, const Samples& samples, Arena& arena)
      : s_(sweep), tile_(tile), samples_(samples), stride_(samples.stride()) {
    words_ = kGradient ? arena.take<std::int32_t>(samples.size()) : samples.source();
    for (int k = 0; k < kNumSums; ++k) column_sums_[k] = arena.take<std::int32_t>(stride_);
    for (int k = 0; k < kNumFields; ++k) window_[k] = arena.take<float>(tile.height * stride_);
  }

  // Everything about the reference that no surface changes; the words of the source are scratch and end up clipped.
  void prepare() {
    for (std::int64_t i = 0; i < samples_.size(); ++i) words_[i] = samples_.inside()[i] & 1;
    box_sums(words_, [&](std::int64_t at, std::int64_t, Ints count, Ints, Ints) {
      store(window_[0] + at, constant(to_float(count)));
    });
    for (std::int64_t i = 0; i < samples_.size(); ++i) words_[i] = kGradient ? 0 : Samples::kClipped;
    if constexpr (kNcc) {
      box_sums(samples_.reference(), [&](std::int64_t at, std::int64_t, Ints sum, Ints sum_squares, Ints) {
        const auto window = reference_window<Floats>(load<Floats>(window_[0] + at), sum, sum_squares);
        store(window_[1] + at, window.inv_count);
        store(window_[2] + at, window.sum);
        store(window_[3] + at, window.inv_deviation);
      });
    }
  }

  // What a sum or count over the window is multiplied by, unless it is NCC's.
  Floats scale(std::int64_t at) const { return load<Floats>(window_[0] + at); }

  // Calls use(row * stride + x, row, x, cost) for every vector of the tile, of the source that was warped last.
  template <class Use>
  void costs(const Use& use) {
    if constexpr (kCensus) return census_costs(use);
    if constexpr (kGradient) gradient_words();
    box_sums(words_, [&](std::int64_t at, std::int64_t x, Ints sum, Ints sum_squares, Ints sum_products) {
      if constexpr (kNcc) {
        const ReferenceWindow<Floats> window{load<Floats>(window_[0] + at), load<Floats>(window_[1] + at),
                                             load<Ints>(window_[2] + at), load<Floats>(window_[3] + at)};
        use(at, x, ncc_cost<Floats>(window, sum, sum_squares, sum_products));
      } else {
        use(at, x, sad_cost<Floats>(sum, scale(at)));
      }
    });
  }

 private:
  static Floats constant(Floats count) {
    if (kNcc) return count;
    if (kCensus) return 1.0F / (count - 1.0F);
    return sad_scale<Floats>(count, Channels);
  }

  template <class Use>
  void census_costs(const Use& use) {
    const std::int64_t radius = samples_.margin();
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        const std::int64_t corner = row * stride_ + x, middle = corner + radius * stride_ + radius;
        const Ints source = load<Ints>(words_ + middle), reference = load<Ints>(samples_.reference() + middle);
        Ints differing{}, highest = source;
        for (int v = 0; v < s_.window; ++v) {
          for (int u = 0; u < s_.window; ++u) {
            const Ints other = load<Ints>(words_ + corner + v * stride_ + u);
            differing -= (other < source) ^ (load<Ints>(samples_.reference() + corner + v * stride_ + u) < reference);
            highest = larger(highest, other);
          }
        }
        use(corner, x, census_cost<Floats>(differing, scale(corner), highest));
      }
    }
  }

  void gradient_words() {
    const auto cross = [&](const std::int32_t* at) {
      return Cross<Ints>{load<Ints>(at - 1), load<Ints>(at + 1), load<Ints>(at - stride_), load<Ints>(at + stride_)};
    };
    for (std::int64_t row = 1; row < samples_.rows() - 1; ++row) {
      for (std::int64_t i = 1; i < samples_.width() - 1; i += kLanes) {
        const std::int64_t at = row * stride_ + i;
        const Ints word = gradient_word<Floats>(cross(samples_.source() + at), load<Ints>(samples_.source() + at),
                                                cross(samples_.reference() + at), s_.truncation);
        store(words_ + at, word & load<Ints>(samples_.inside() + at));
      }
    }
  }

  // Window sums of the words, of their squares and of their products with the reference: column sums that run down the
  // tile, added up along the row. All but NCC need the first alone. Gradients have a margin of one pixel more.
  template <class Use>
  void box_sums(const std::int32_t* words, const Use& use) {
    for (int k = 0; k < kNumSums; ++k) {
      for (std::int64_t i = 0; i < stride_; ++i) column_sums_[k][i] = 0;
    }
    for (std::int64_t row = 0; row < s_.window - 1; ++row) add_row<false>(words, row + kGradient);
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      const std::int64_t last = row + s_.window - 1 + kGradient;
      row == 0 ? add_row<false>(words, last) : add_row<true>(words, last);
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        Ints sums[3] = {};
        for (int k = 0; k < kNumSums; ++k) {
          for (int i = 0; i < s_.window; ++i)
            sums[k] = wrapping_sum(sums[k], load<Ints>(column_sums_[k] + x + i + kGradient));
        }
        use(row * stride_ + x, x, sums[0], sums[1], sums[2]);
      }
    }
  }

  // Adds a row to the column sums; Slide takes out the row that leaves the window.
  template <bool Slide>
  void add_row(const std::int32_t* words, std::int64_t row) {
    for (std::int64_t i = 0; i < samples_.width(); i += kLanes) {
      Ints sums[3];
      for (int k = 0; k < kNumSums; ++k) sums[k] = load<Ints>(column_sums_[k] + i);
      add_terms(words, row * stride_ + i, 1, sums);
      if (Slide) add_terms(words, (row - s_.window) * stride_ + i, -1, sums);
      for (int k = 0; k < kNumSums; ++k) store(column_sums_[k] + i, sums[k]);
    }
  }
  void add_terms(const std::int32_t* words, std::int64_t at, std::int32_t sign, Ints* sums) const {
    const Ints word = load<Ints>(words + at);
    sums[0] += sign * (kNcc ? dot_halves(word, splat(kCountOutOfView)) : word);
    if (!kNcc) return;
    sums[1] += sign * dot_halves(word, word);
    sums[2] += sign * dot_halves(word, load<Ints>(samples_.reference() + at));
  }

  const mvs::Sweep& s_;
  const mvs::Tile tile_;
  const Samples& samples_;
  const std::int64_t stride_;
  std::int32_t* words_;  // (rows, stride) as the samples: what windows sum up or compare
  std::int32_t* column_sums_[kNumSums];
  float* window_[kNumFields];  // (tile rows, stride): the fields of ReferenceWindow, or the scale alone
};

}  // namespace fastcv::FASTCV_ISA
