// SPDX-License-Identifier: Apache-2.0
// The sweep over one tile of the reference, plane by plane, with everything it touches again kept in cache.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/match_cost.hd.h"
#include "mvs/sweep.h"
#include "mvs/tile.h"
#include "mvs/warp.hd.h"

namespace fastcv::FASTCV_ISA {

// Hands out cache-line aligned pieces of one block of memory; counts only where there is no block yet.
class Arena {
 public:
  explicit Arena(std::byte* block) : block_(block) {}
  template <class T>
  T* take(std::int64_t count) {
    T* piece = reinterpret_cast<T*>(block_ + used_);
    used_ += (count * std::int64_t(sizeof(T)) + 63) / 64 * 64;
    return piece;
  }
  std::int64_t used() const { return used_; }

 private:
  std::byte* block_;
  std::int64_t used_ = 0;
};

// Rows of a tile start at multiples of `stride`; vectors may run past the tile's width into the padding, whose content
// is never read back. Words have a halo of the window's radius around the tile.
template <mvs::MatchCost Cost, int Channels>
class TileSweep {
  static constexpr bool kNcc = Cost == mvs::MatchCost::ncc;
  static constexpr int kNumSums = kNcc ? 3 : 1;

 public:
  TileSweep(const mvs::Sweep& sweep, const mvs::Tile& tile, Arena& arena)
      : s_(sweep),
        tile_(tile),
        radius_(sweep.window / 2),
        halo_width_(tile.width + 2 * radius_),
        stride_((halo_width_ + kLanes - 1) / kLanes * kLanes + 2 * kLanes) {
    const std::int64_t halo_rows = tile.height + 2 * radius_;
    words_ = arena.take<std::int32_t>(halo_rows * stride_);
    reference_ = arena.take<std::int32_t>(halo_rows * stride_ * Channels);
    for (auto& sum : column_sums_) sum = arena.take<std::int32_t>(stride_);
    for (auto& field : window_) field = arena.take<float>(tile.height * stride_);
    costs_ = arena.take<float>(tile.height * stride_ * s_.num_best);
  }

  // Everything about the reference that no plane changes.
  void prepare() {
    for (std::int64_t row = 0; row < tile_.height + 2 * radius_; ++row) prepare_row(row);
    box_sums(reference_, [&](std::int64_t row, std::int64_t x, Ints sum, Ints sum_squares, Ints) {
      const Floats count = to_float(window_columns(x)) * float(window_rows(row));
      const std::int64_t at = row * stride_ + x;
      const auto window = reference_window<Floats>(count, sum, sum_squares);
      store(window_[0] + at, kNcc ? count : 1.0F / (count * float((255 << kSadBits) * Channels)));
      store(window_[1] + at, window.inv_count);
      store(window_[2] + at, window.sum);
      store(window_[3] + at, window.inv_deviation);
    });
  }

  // Costs of one plane; emit(row, x, cost) gets every vector of the tile.
  template <class Emit>
  void plane(float inverse_depth, const Emit& emit) {
    if (s_.window == 1) return plane_without_window(inverse_depth, emit);
    for (int k = 0; k < s_.num_sources; ++k) add_source(k, inverse_depth);
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        emit(row, x, mean_cost<Floats>(s_, costs_at(row, x)));
      }
    }
  }

  std::int64_t stride() const { return stride_; }

 private:
  // The costs of one vector that count so far, in memory.
  struct StoredCosts {
    float* costs;
    std::int64_t stride;
    Floats get(int i) const { return load<Floats>(costs + i * stride); }
    void set(int i, Floats cost) { store(costs + i * stride, cost); }
  };
  StoredCosts costs_at(std::int64_t row, std::int64_t x) const {
    return {costs_ + row * s_.num_best * stride_ + x, stride_};
  }

  // SAD of single pixels: all sources of a vector at once, nothing but its cost leaves the registers.
  template <class Emit>
  void plane_without_window(float inverse_depth, const Emit& emit) {
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      WarpRow warped[mvs::kMaxSources];
      for (int k = 0; k < s_.num_sources; ++k) {
        warped[k] = warp_row(s_.sources[k], float(tile_.y + row), inverse_depth);
      }
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        const Floats column = to_float(lane_indices() + std::int32_t(tile_.x + x));
        const Floats scale = load<Floats>(window_[0] + row * stride_ + x);
        CostList<Floats> list;
        for (int k = 0; k < s_.num_sources; ++k) {
          const Position<Floats> p = warp<Floats>(s_.sources[k], warped[k], column);
          add_cost(s_, k, sad_cost<Floats>(sad(s_.sources[k], p, row, x), scale), list);
        }
        emit(row, x, mean_cost<Floats>(s_, list));
      }
    }
  }

  // Rows and columns of the window around a tile pixel that lie inside the reference.
  std::int64_t window_rows(std::int64_t row) const {
    const std::int64_t y = tile_.y + row, low = y - radius_, high = y + radius_, last = s_.reference.height - 1;
    return (high < last ? high : last) - (low > 0 ? low : 0) + 1;
  }
  Ints window_columns(std::int64_t x) const {
    const Ints column = lane_indices() + std::int32_t(tile_.x + x), last = splat(s_.reference.width - 1);
    const Ints low = larger(column - std::int32_t(radius_), Ints{});
    return larger(smaller(column + std::int32_t(radius_), last) - low + 1, splat(1));
  }

  void prepare_row(std::int64_t row) {
    const std::int64_t y = tile_.y - radius_ + row,
                       plane = (s_.reference.height + std::int64_t(1)) * (s_.reference.width + 1);
    for (int c = 0; c < Channels; ++c) {
      std::int32_t* out = reference_ + (c * (tile_.height + 2 * radius_) + row) * stride_;
      for (std::int64_t i = 0; i < stride_; ++i) {
        const std::int64_t x = tile_.x - radius_ + i;
        const bool inside = y >= 0 && y < s_.reference.height && x >= 0 && x < s_.reference.width;
        const std::int32_t word = inside ? s_.reference.words[c * plane + y * (s_.reference.width + 1) + x] : 0;
        out[i] = kNcc ? reference_sample(Cost, word) & 0xffff : reference_sample(Cost, word);
      }
    }
  }

  void add_source(int k, float inverse_depth) {
    for (std::int64_t row = 0; row < tile_.height + 2 * radius_; ++row) warp_words(s_.sources[k], row, inverse_depth);
    box_sums(words_, [&](std::int64_t row, std::int64_t x, Ints sum, Ints sum_squares, Ints sum_products) {
      const std::int64_t at = row * stride_ + x;
      const ReferenceWindow<Floats> window{load<Floats>(window_[0] + at), load<Floats>(window_[1] + at),
                                           load<Ints>(window_[2] + at), load<Floats>(window_[3] + at)};
      StoredCosts list = costs_at(row, x);
      add_cost(s_, k,
               kNcc ? ncc_cost<Floats>(window, sum, sum_squares, sum_products) : sad_cost<Floats>(sum, window.count),
               list);
    });
  }

  void warp_words(const mvs::SweepSource& source, std::int64_t row, float inverse_depth) {
    const std::int64_t y = tile_.y - radius_ + row, left = tile_.x - radius_;
    std::int32_t* out = words_ + row * stride_;
    const bool inside = y >= 0 && y < s_.reference.height;
    const WarpRow warped = warp_row(source, float(y), inverse_depth);
    for (std::int64_t i = 0; inside && i < halo_width_; i += kLanes) {
      const Floats column = to_float(lane_indices() + std::int32_t(left + i));
      const Position<Floats> p = warp<Floats>(source, warped, column);
      store(out + i, kNcc ? ncc_word<Floats>(source, p) : sad(source, p, row, i));
    }
    // The window is clipped to the reference; the lanes that pad a row are summed too, so they must hold something.
    const std::int64_t begin = inside && left < 0 ? -left : 0, end = inside ? s_.reference.width - left : 0;
    for (std::int64_t i = 0; i < begin; ++i) out[i] = 0;
    for (std::int64_t i = end; i < stride_; ++i) out[i] = 0;
  }

  Ints sad(const mvs::SweepSource& source, const Position<Floats>& p, std::int64_t row, std::int64_t i) const {
    Ints reference[Channels];
    for (int c = 0; c < Channels; ++c) {
      reference[c] = load<Ints>(reference_ + (c * (tile_.height + 2 * radius_) + row) * stride_ + i);
    }
    return sad_word<Channels, Floats>(source, p, reference, s_.truncation);
  }

  // Window sums of the words, of their squares and of their products with the reference: column sums that run down the
  // tile, added up along the row. SAD needs the first alone.
  template <class Use>
  void box_sums(const std::int32_t* words, const Use& use) {
    for (std::int32_t* sums : column_sums_) {
      for (std::int64_t i = 0; i < stride_; ++i) sums[i] = 0;
    }
    for (std::int64_t row = 0; row <= 2 * radius_; ++row) add_row<false>(words, row);
    for (std::int64_t row = 0; row < tile_.height; ++row) {
      if (row > 0) add_row<true>(words, row + 2 * radius_);
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        Ints sums[3] = {};
        for (int k = 0; k < kNumSums; ++k) {
          for (int i = 0; i < s_.window; ++i) sums[k] += load<Ints>(column_sums_[k] + x + i);
        }
        use(row, x, sums[0], sums[1], sums[2]);
      }
    }
  }

  // Adds a row to the column sums; Slide takes out the row that leaves the window.
  template <bool Slide>
  void add_row(const std::int32_t* words, std::int64_t row) {
    for (std::int64_t i = 0; i < halo_width_; i += kLanes) {
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
    sums[2] += sign * dot_halves(word, load<Ints>(reference_ + at));
  }

  const mvs::Sweep& s_;
  const mvs::Tile tile_;
  const std::int64_t radius_, halo_width_, stride_;
  std::int32_t* words_;      // (rows with halo, stride): of the current plane and source
  std::int32_t* reference_;  // (channels, rows with halo, stride): samples, for NCC in the low half
  std::int32_t* column_sums_[3];
  float* window_[4];  // (rows, stride): the fields of ReferenceWindow; for SAD the first is the cost's scale
  float* costs_;      // (rows, num_best, stride): CostList of every pixel on the current plane
};

}  // namespace fastcv::FASTCV_ISA
