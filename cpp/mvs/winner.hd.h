// SPDX-License-Identifier: Apache-2.0
// Winner-take-all over surfaces that arrive one after the other: the best plane, its neighbours and its rival.
#pragma once

#include "core/lanes.hd.h"

namespace fastcv::FASTCV_ISA {

constexpr float kUnseen = __builtin_inff();

// One pixel's (or vector's) state. The winner is the lowest local minimum over surfaces, the first of equal ones; its
// rival is the next lowest local minimum, so that a broad but single valley counts as sure.
template <class F>
struct Winner {
  F before = F{} + kUnseen, last = F{} + kUnseen;  // costs of the two latest surfaces
  F best = F{} + kUnseen, rival = F{} + kUnseen;   // lowest and second lowest local minimum
  F below = F{} + kUnseen, above = F{} + kUnseen;  // costs of the surfaces beside the best
  F worst = F{};                                   // highest cost so far
  IntOf<F> surface = IntOf<F>{} - 1;               // of the best

  // cost: of surface `index`, NaN where no source sees it. Call once more with NaN after the last surface.
  FASTCV_HD void add(F cost, std::int32_t index) {
    const auto seen = cost == cost;
    const F c = select(seen, cost, F{} + kUnseen);
    const auto minimum = (before > last) & (last <= c);
    const auto wins = minimum & (last < best);
    rival = select(wins, best, select(minimum, smaller(rival, last), rival));
    below = select(wins, before, below);
    above = select(wins, c, above);
    surface = select(wins, IntOf<F>{} + (index - 1), surface);
    best = select(wins, last, best);
    worst = select(seen, larger(worst, cost), worst);
    before = last;
    last = c;
  }
};

// Inverse depth of the vertex of the parabola through three (inverse depth, cost) points, the middle one lowest.
// Source: Press et al. 2007, Numerical Recipes, eq. 10.3.1.
FASTCV_HD float parabola_vertex(float w0, float w1, float w2, float c0, float c1, float c2) {
  const float left = (w1 - w0) * (c1 - c2), right = (w1 - w2) * (c1 - c0);
  const float denominator = left - right;
  if (!(denominator != 0.0F)) return w1;
  return w1 - 0.5F * ((w1 - w0) * left - (w1 - w2) * right) / denominator;
}

struct WinnerPixel {
  float depth, confidence, cost;
};

// Confidence is 1 - best / rival (peak ratio: Hu & Mordohai 2012, eq. 5); without a rival the worst cost takes its
// place, so that equal costs give 0. Depth 0 means none: no surface seen, or nothing that sets one apart.
// inverse_depth(k): of this pixel on surface k.
template <class InverseDepth>
FASTCV_HD WinnerPixel finish_winner(const Winner<float>& w, std::int64_t num, const InverseDepth& inverse_depth) {
  if (!(w.best < kUnseen)) return {0.0F, 0.0F, __builtin_nanf("")};
  const float rival = smaller(w.rival, w.worst);
  const float confidence = rival > w.best ? 1.0F - w.best / rival : 0.0F;
  if (!(confidence > 0.0F)) return {0.0F, 0.0F, w.best};
  const std::int64_t k = w.surface;
  float vertex = inverse_depth(k);
  if (!(vertex > 0.0F)) return {0.0F, 0.0F, w.best};
  if (k > 0 && k + 1 < num && w.below < kUnseen && w.above < kUnseen) {
    const float moved = parabola_vertex(inverse_depth(k - 1), vertex, inverse_depth(k + 1), w.below, w.best, w.above);
    if (moved > 0.0F) vertex = moved;  // a surface beside may not be in front of the camera
  }
  return {1.0F / vertex, confidence, w.best};
}

}  // namespace fastcv::FASTCV_ISA
