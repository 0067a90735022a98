// SPDX-License-Identifier: Apache-2.0
// The guided filter over one tile, surface by surface.
#pragma once

#include "mvs/arena.h"
#include "mvs/guided_costs.h"
#include "mvs/guided_window.hd.h"
#include "mvs/tile.h"
#include "mvs/window_sums.h"

namespace fastcv::FASTCV_ISA {

// Planes start 2 radii above and left of the tile; sums over windows start 1 radius and those over windows of windows 0
// beside it, since a sum stands at its window's first pixel.
template <int Channels>
class GuidedTile {
 public:
  static constexpr int kFactors = kGuidedFactors<Channels>;
  using Window = GuidedWindow<Floats, Channels>;

  GuidedTile(const mvs::GuidedCosts& in, const mvs::Tile& tile, Arena& arena)
      : in_(in),
        tile_(tile),
        n_(2 * in.radius + 1),
        rows_(tile.height + 4 * in.radius),
        stride_((tile.width + 4 * in.radius + kLanes - 1) / kLanes * kLanes + kLanes) {
    const auto plane = [&] { return Plane{arena.take<float>(rows_ * stride_), stride_}; };
    for (Plane& p : guide_) p = plane();
    for (Plane& p : a_) p = plane();
    inside_ = plane();
    seen_ = plane();
    costs_ = plane();
    b_ = plane();
    take(whole_, plane);
    take(partial_, plane);
    row_ = arena.take<float>(stride_ + kMaxStep);
    column_ = arena.take<Floats>(2 * rows_);
  }

  void prepare() {
    for (std::int64_t i = 0; i < stride_ + kMaxStep; ++i) row_[i] = 0.0F;
    for (std::int64_t y = 0; y < rows_; ++y) {
      for (std::int64_t x = 0; x < stride_; ++x) {
        const bool inside = is_inside(y, x);
        *inside_.at(y, x) = inside ? 1.0F : 0.0F;
        *seen_.at(y, x) = *costs_.at(y, x) = 0.0F;
        for (int c = 0; c < Channels; ++c) *guide_[c].at(y, x) = inside ? in_.guide(c, row_of(y), column_of(x)) : 0.0F;
      }
    }
    fit(inside_, whole_);
  }

  void surface(std::int64_t k, const View<float, 3>& out) {
    const Model& model = load_costs(k) ? whole_ : partial_;
    if (&model == &partial_) fit(seen_, partial_);
    regress(model);
    const std::int64_t r = in_.radius;
    for (std::int64_t y = 0; y < tile_.height; ++y) {
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        Floats q = vector(b_, y, x);
        for (int c = 0; c < Channels; ++c) q += vector(a_[c], y, x) * vector(guide_[c], y + 2 * r, x + 2 * r);
        q *= vector(model.inverse_windows, y, x);
        q = select(vector(seen_, y + 2 * r, x + 2 * r) > 0.0F, q, splat(__builtin_nanf("")));
        store_lanes(&out(k, tile_.y + y, tile_.x + x), tile_.width - x, q);
      }
    }
  }

 private:
  static constexpr std::int64_t kMaxStep = 2 * mvs::kMaxGuidedRadius + 1;

  // GuidedWindow of every window.
  struct Model {
    Plane inverse_count, mean[Channels], factors[kFactors];
    Plane inverse_windows;  // 1 / number of windows over a pixel
  };

  template <class Take>
  static void take(Model& model, const Take& plane) {
    model.inverse_count = plane();
    model.inverse_windows = plane();
    for (Plane& p : model.mean) p = plane();
    for (Plane& p : model.factors) p = plane();
  }

  std::int64_t row_of(std::int64_t y) const { return tile_.y - 2 * in_.radius + y; }
  std::int64_t column_of(std::int64_t x) const { return tile_.x - 2 * in_.radius + x; }
  bool is_inside(std::int64_t y, std::int64_t x) const {
    return row_of(y) >= 0 && row_of(y) < in_.costs.shape[1] && column_of(x) >= 0 && column_of(x) < in_.costs.shape[2];
  }
  static Floats vector(const Plane& plane, std::int64_t y, std::int64_t x) { return load<Floats>(plane.at(y, x)); }
  static void store_lanes(float* to, std::int64_t count, Floats value) {
    if (count >= kLanes) return store(to, value);
    for (std::int64_t i = 0; i < count; ++i) to[i] = value[i];
  }
  static Floats load_lanes(const float* from, std::int64_t count) {  // 0 beyond
    if (count >= kLanes) return load<Floats>(from);
    Floats v{};
    for (std::int64_t i = 0; i < count; ++i) v[i] = from[i];
    return v;
  }
  template <class In>
  void first_sums(const In& in, const Plane& out) {
    window_sums(in, tile_.height + 2 * in_.radius, tile_.width + 2 * in_.radius, n_, out, row_, column_);
  }
  void second_sums(const Plane& plane) {
    window_sums([&](std::int64_t y, std::int64_t x) { return vector(plane, y, x); }, tile_.height, tile_.width, n_,
                plane, row_, column_);
  }

  // Costs and which of them count; whether those are all. What lies outside of the image was set to 0 before.
  bool load_costs(std::int64_t k) {
    const std::int64_t left = column_of(0), begin = left < 0 ? -left : 0,
                       end = left + stride_ < in_.costs.shape[2] ? stride_ : in_.costs.shape[2] - left;
    Ints missing{};
    for (std::int64_t y = 0; y < rows_; ++y) {
      if (row_of(y) < 0 || row_of(y) >= in_.costs.shape[1]) continue;
      const float* from = &in_.costs(k, row_of(y), left + begin);
      for (std::int64_t x = begin; x < end; x += kLanes) {
        const Floats cost = load_lanes(from + x - begin, end - x);
        const Ints seen = cost - cost == Floats{};
        missing |= ~seen;
        store_lanes(costs_.at(y, x), end - x, select(seen, cost, Floats{}));
        store_lanes(seen_.at(y, x), end - x, select(seen, splat(1.0F), Floats{}));
      }
    }
    for (int i = 0; i < kLanes; ++i) {
      if (missing[i] != 0) return false;
    }
    return true;
  }

  // The model of every window, of the pixels with weight 1.
  void fit(const Plane& weights, Model& model) {
    first_sums([&](std::int64_t y, std::int64_t x) { return vector(weights, y, x); }, model.inverse_count);
    for (int c = 0; c < Channels; ++c) {
      first_sums([&](std::int64_t y, std::int64_t x) { return vector(weights, y, x) * vector(guide_[c], y, x); },
                 model.mean[c]);
    }
    for (int f = 0; f < kFactors; ++f) {
      const int i = factor_row(f), j = factor_column(f);
      first_sums(
          [&](std::int64_t y, std::int64_t x) {
            return vector(weights, y, x) * vector(guide_[i], y, x) * vector(guide_[j], y, x);
          },
          model.factors[f]);
    }
    const std::int64_t r = in_.radius;
    for (std::int64_t y = 0; y < tile_.height + 2 * r; ++y) {
      for (std::int64_t x = 0; x < tile_.width + 2 * r; x += kLanes) fit_window(model, y, x);
    }
    second_sums(model.inverse_windows);
    for (std::int64_t y = 0; y < tile_.height; ++y) {
      for (std::int64_t x = 0; x < tile_.width; x += kLanes) {
        store(model.inverse_windows.at(y, x), 1.0F / larger(vector(model.inverse_windows, y, x), splat(1.0F)));
      }
    }
  }

  // Sums to means and factors, at one vector. Windows that are empty or not around a pixel of the image do not count.
  void fit_window(Model& model, std::int64_t y, std::int64_t x) {
    const std::int64_t r = in_.radius;
    Window window = window_at(model, y, x);
    const auto exists = (window.inverse_count > 0.0F) & (vector(inside_, y + r, x + r) > 0.0F);
    window.fit(in_.epsilon);
    store(model.inverse_windows.at(y, x), select(exists, splat(1.0F), Floats{}));
    store(model.inverse_count.at(y, x), window.inverse_count);
    for (int c = 0; c < Channels; ++c) store(model.mean[c].at(y, x), window.mean[c]);
    for (int f = 0; f < kFactors; ++f) store(model.factors[f].at(y, x), window.factors[f]);
  }
  static Window window_at(const Model& model, std::int64_t y, std::int64_t x) {
    Window window;
    window.inverse_count = vector(model.inverse_count, y, x);
    for (int c = 0; c < Channels; ++c) window.mean[c] = vector(model.mean[c], y, x);
    for (int f = 0; f < kFactors; ++f) window.factors[f] = vector(model.factors[f], y, x);
    return window;
  }

  // Coefficients a and b of every window, and their sums over the windows of every pixel of the tile.
  void regress(const Model& model) {
    first_sums([&](std::int64_t y, std::int64_t x) { return vector(costs_, y, x); }, b_);
    for (int c = 0; c < Channels; ++c) {
      first_sums([&](std::int64_t y, std::int64_t x) { return vector(costs_, y, x) * vector(guide_[c], y, x); }, a_[c]);
    }
    const std::int64_t r = in_.radius;
    for (std::int64_t y = 0; y < tile_.height + 2 * r; ++y) {
      for (std::int64_t x = 0; x < tile_.width + 2 * r; x += kLanes) regress_window(model, y, x);
    }
    second_sums(b_);
    for (int c = 0; c < Channels; ++c) second_sums(a_[c]);
  }
  void regress_window(const Model& model, std::int64_t y, std::int64_t x) {
    const auto around_pixel = vector(inside_, y + in_.radius, x + in_.radius) > 0.0F;
    Floats a[Channels];
    for (int c = 0; c < Channels; ++c) a[c] = vector(a_[c], y, x);
    const Floats b = window_at(model, y, x).regress(vector(b_, y, x), a);
    for (int c = 0; c < Channels; ++c) store(a_[c].at(y, x), select(around_pixel, a[c], Floats{}));
    store(b_.at(y, x), select(around_pixel, b, Floats{}));
  }

  const mvs::GuidedCosts& in_;
  const mvs::Tile tile_;
  const int n_;
  const std::int64_t rows_, stride_;
  Plane guide_[Channels], inside_, seen_, costs_;
  Plane a_[Channels], b_;
  Model whole_, partial_;  // where all costs count, as on most surfaces, and where some are missing
  float* row_;
  Floats* column_;
};

}  // namespace fastcv::FASTCV_ISA
