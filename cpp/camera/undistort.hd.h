// SPDX-License-Identifier: Apache-2.0
// The inverse of a distortion by a guarded Newton iteration, in steps that a loop over many pixels can interleave.
#pragma once

#include <cmath>
#include <type_traits>

#include "camera/vec.hd.h"

namespace fastcv::FASTCV_ISA {

// Searches the w with distort(k, w) = target that is connected to the axis: the distortion must keep its orientation
// (both eigenvalues of its Jacobian positive) all the way from 0 to w. A point beyond the fold has no such w.
template <class Distortion, class T>
struct Undistort {
  static constexpr int kMaxSteps = 40;

  Vec2<T> target, w, inside;  // inside: the last iterate with the right orientation
  bool searching, found;

  static FASTCV_HD Undistort start(const Vec2<T>& target) { return {target, target, {T(0), T(0)}, true, false}; }

  // One iteration; without effect once the search is over, so that lanes may wait for each other.
  FASTCV_HD void step(const T* k) {
    using std::sqrt;
    T j[4];
    const T det = jacobian(k, w, j);
    const bool oriented = det > T(0) && j[0] + j[3] > T(0);
    const Vec2<T> image = Distortion::distort(k, w);
    const T ex = image.x - target.x, ey = image.y - target.y;
    const T dx = (j[3] * ex - j[1] * ey) / det, dy = (j[0] * ey - j[2] * ex) / det;
    const T length2 = dx * dx + dy * dy, radius2 = w.x * w.x + w.y * w.y;
    // Newton's error squares in each step: one of this relative length leaves less than rounding behind.
    constexpr T kLastStep2 = std::is_same_v<T, float> ? T(1e-9) : T(1e-18);
    const bool last = oriented && length2 <= kLastStep2 * radius2;
    // At most half the radius a step, so that none leaps far over a fold.
    const T half = T(0.5) * sqrt(radius2 / length2), shrink = half < T(1) ? half : T(1);
    const Vec2<T> next{oriented ? w.x - shrink * dx : T(0.5) * (w.x + inside.x),
                       oriented ? w.y - shrink * dy : T(0.5) * (w.y + inside.y)};
    inside = {searching && oriented ? w.x : inside.x, searching && oriented ? w.y : inside.y};
    w = {searching ? next.x : w.x, searching ? next.y : w.y};
    found = found || (searching && last);
    searching = searching && !last && w.x - w.x == T(0) && w.y - w.y == T(0);
  }

  // Whether the path from the axis to the solution is free of folds, at eight points of it. A fold that hides between
  // two of them is so narrow that the distortion is flat there rather than folded.
  FASTCV_HD bool connected(const T* k) const {
    bool free = found;
    for (int i = 1; i <= 8; ++i) {
      T j[4];
      const T part = T(i) / T(8);
      free = free && jacobian(k, {part * w.x, part * w.y}, j) > T(0) && j[0] + j[3] > T(0);
    }
    return free;
  }

 private:
  static FASTCV_HD T jacobian(const T* k, const Vec2<T>& at, T* j) {
    T d_k[2 * Distortion::kNumParams + 1];
    Distortion::distort_jacobian(k, at, j, d_k);
    return j[0] * j[3] - j[1] * j[2];
  }
};

// False, and w without meaning, where the target is beyond the fold or not finite.
template <class Distortion, class T>
FASTCV_HD bool undistort(const T* k, const Vec2<T>& target, Vec2<T>* w) {
  if constexpr (Distortion::kNumParams == 0) {
    *w = target;
    return target.x - target.x == T(0) && target.y - target.y == T(0);
  } else {
    auto search = Undistort<Distortion, T>::start(target);
    for (int i = 0; i < search.kMaxSteps && search.searching; ++i) search.step(k);
    *w = search.w;
    return search.connected(k);
  }
}

}  // namespace fastcv::FASTCV_ISA
