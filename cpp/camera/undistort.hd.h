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
  static constexpr int kMaxSteps = 40, kPathChecks = 8;

  Vec2<T> target, w, inside;  // inside: the last iterate with the right orientation and a smaller error
  T searching, found;         // 0 or 1, of type T because loops over flags of another width do not vectorise
  T inside_error2;            // squared distance of the image of `inside` to the target

  static FASTCV_HD Undistort start(const Vec2<T>& target) {
    const T size = target.x * target.x + target.y * target.y;
    return {target, target, {T(0), T(0)}, size - size == T(0) ? T(1) : T(0), T(0), size};  // not for NaN and inf
  }

  // One iteration; without effect once the search is over, so that lanes may wait for each other.
  FASTCV_HD void step(const T* k) {
    using std::sqrt;
    T j[4];
    const Vec2<T> image = jacobian(k, w, j);
    const T det = j[0] * j[3] - j[1] * j[2], inv_det = T(1) / det;
    // & rather than &&: a short-circuit is a branch, which keeps loops from being vectorised.
    const bool oriented = (det > T(0)) & (j[0] + j[3] > T(0)), active = searching > T(0);
    const T ex = image.x - target.x, ey = image.y - target.y;
    const T dx = (j[3] * ex - j[1] * ey) * inv_det, dy = (j[0] * ey - j[2] * ex) * inv_det;
    const T length2 = dx * dx + dy * dy, radius2 = w.x * w.x + w.y * w.y;
    // Newton's error squares in each step: one of this relative length leaves less than rounding behind.
    constexpr T kLastStep2 = std::is_same_v<T, float> ? T(1e-9) : T(1e-18);
    const bool last = oriented & (length2 <= kLastStep2 * radius2);
    // At most half the radius a step, so that none leaps far over a fold. Out of the fold: half-way back. Beyond two
    // folds the orientation is right again, but the image is far off; there the error tells.
    const T error2 = ex * ex + ey * ey;
    const bool good = oriented & (error2 <= inside_error2);
    const T half = T(0.5) * sqrt(radius2 / length2), shrink = half < T(1) ? half : T(1);
    const T newton_x = w.x - shrink * dx, back_x = T(0.5) * (w.x + inside.x);
    const T newton_y = w.y - shrink * dy, back_y = T(0.5) * (w.y + inside.y);
    const Vec2<T> next{good ? newton_x : back_x, good ? newton_y : back_y};
    const bool inward = active & good;
    inside = {inward ? w.x : inside.x, inward ? w.y : inside.y};
    inside_error2 = inward ? error2 : inside_error2;
    w = {active ? next.x : w.x, active ? next.y : w.y};
    found = (active & last) ? T(1) : found;
    searching = (active & !last) ? T(1) : T(0);
  }

  // The found flag stays only if the path from the axis to the solution has no fold at point i of kPathChecks. A fold
  // that hides between two of them is so narrow that the distortion is flat there rather than folded.
  FASTCV_HD void check_path(const T* k, int i) {
    T j[4];
    const T part = T(i + 1) / T(kPathChecks);
    jacobian(k, {part * w.x, part * w.y}, j);
    const bool oriented = (j[0] * j[3] - j[1] * j[2] > T(0)) & (j[0] + j[3] > T(0));
    found = oriented ? found : T(0);
  }

 private:
  static FASTCV_HD Vec2<T> jacobian(const T* k, const Vec2<T>& at, T* j) {
    T d_k[2 * Distortion::kNumParams + 1];
    return Distortion::distort_jacobian(k, at, j, d_k);
  }
};

// False, and w without meaning, where the target is beyond the fold or not finite.
template <class Distortion, class T>
FASTCV_HD bool undistort(const T* k, const Vec2<T>& target, Vec2<T>* w) {
  if constexpr (Distortion::kNumParams == 0) {
    *w = target;
    return (target.x - target.x == T(0)) & (target.y - target.y == T(0));
  } else {
    auto search = Undistort<Distortion, T>::start(target);
    for (int i = 0; i < search.kMaxSteps && search.searching > T(0); ++i) search.step(k);
    for (int i = 0; i < search.kPathChecks; ++i) search.check_path(k, i);
    *w = search.w;
    return search.found > T(0);
  }
}

}  // namespace fastcv::FASTCV_ISA
