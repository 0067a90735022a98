// SPDX-License-Identifier: Apache-2.0
// Radial distortion first, then tangential and thin prism terms of its result: the Fisheye624 model of Project Aria.
#pragma once

#include "camera/distortion.hd.h"

namespace fastcv::FASTCV_ISA {

// r = w (1 + k0 |w|² + … + k5 |w|¹²), then with s = |r|²
// r + (p0 (s + 2 r_x²) + 2 p1 r_x r_y + s0 s + s1 s², p1 (s + 2 r_y²) + 2 p0 r_x r_y + s2 s + s3 s²).
// Source: Project Aria, "Camera intrinsic models", FisheyeRadTanThinPrism.
struct RadTanThinPrism {
  using Radial = Distortion<Polynomial<6>>;
  static constexpr int kNumParams = 12;

  template <class T>
  static FASTCV_HD Vec2<T> distort(const T* k, const Vec2<T>& w) {
    return bend(k + kBend, Radial::distort(k, w));
  }

  // d_w: 2 x 2, d_k: 2 x kNumParams, both row-major.
  template <class T>
  static FASTCV_HD Vec2<T> distort_jacobian(const T* k, const Vec2<T>& w, T* d_w, T* d_k) {
    T radial_w[4], radial_k[2 * kBend];
    const Vec2<T> r = Radial::distort_jacobian(k, w, radial_w, radial_k);
    const T *p = k + kBend, *prism = p + 2;
    const T xx = r.x * r.x, yy = r.y * r.y, xy = r.x * r.y, s = xx + yy;
    const T prism_x = T(2) * prism[0] + T(4) * prism[1] * s, prism_y = T(2) * prism[2] + T(4) * prism[3] * s;
    const T mixed = T(2) * (p[0] * r.y + p[1] * r.x);
    const T d_r[4] = {T(1) + T(6) * p[0] * r.x + T(2) * p[1] * r.y + prism_x * r.x, mixed + prism_x * r.y,
                      mixed + prism_y * r.x, T(1) + T(6) * p[1] * r.y + T(2) * p[0] * r.x + prism_y * r.y};
    FASTCV_UNROLL
    for (int axis = 0; axis < 2; ++axis) {
      const T by_x = d_r[2 * axis], by_y = d_r[2 * axis + 1];
      T* row = d_k + axis * kNumParams;
      FASTCV_UNROLL
      for (int i = 0; i < 2; ++i) d_w[2 * axis + i] = by_x * radial_w[i] + by_y * radial_w[2 + i];
      FASTCV_UNROLL
      for (int i = 0; i < kBend; ++i) row[i] = by_x * radial_k[i] + by_y * radial_k[kBend + i];
      row[kBend + axis] = s + T(2) * (axis == 0 ? xx : yy);
      row[kBend + 1 - axis] = T(2) * xy;
      FASTCV_UNROLL
      for (int i = 0; i < 4; ++i) row[kBend + 2 + i] = i / 2 != axis ? T(0) : i % 2 == 0 ? s : s * s;
    }
    return bend(p, r);
  }

 private:
  static constexpr int kBend = Radial::kNumParams;  // where p0 and p1 begin, which s0 to s3 follow

  template <class T>
  static FASTCV_HD Vec2<T> bend(const T* p, const Vec2<T>& r) {
    const T xx = r.x * r.x, yy = r.y * r.y, xy2 = T(2) * r.x * r.y, s = xx + yy;
    return {r.x + p[0] * (s + T(2) * xx) + p[1] * xy2 + s * (p[2] + p[3] * s),
            r.y + p[1] * (s + T(2) * yy) + p[0] * xy2 + s * (p[4] + p[5] * s)};
  }
};

}  // namespace fastcv::FASTCV_ISA
