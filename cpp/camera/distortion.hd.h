// SPDX-License-Identifier: Apache-2.0
// Distortion of image coordinates in units of the focal length: radial, tangential, thin prism, and its inverse.
#pragma once

#include "camera/vec.hd.h"

namespace fastcv::FASTCV_ISA {

// Radial factor 1 + c0 s + c1 s² + …, where s = squared radius.
template <int N>
struct Polynomial {
  static constexpr int kNumParams = N;

  template <class T>
  static FASTCV_HD T value(const T* c, const T& s) {
    T sum = T(0);
    FASTCV_UNROLL
    for (int i = N - 1; i >= 0; --i) sum = s * (sum + c[i]);
    return T(1) + sum;
  }

  // d_s: the derivative by s; d_c: by the coefficients.
  template <class T>
  static FASTCV_HD T derivatives(const T* c, const T& s, T* d_s, T* d_c) {
    T power = T(1);
    *d_s = T(0);
    FASTCV_UNROLL
    for (int i = 0; i < N; ++i) {
      *d_s += T(i + 1) * c[i] * power;
      d_c[i] = power = power * s;
    }
    return value(c, s);
  }
};

// Radial factor (1 + c0 s + c1 s² + c2 s³) / (1 + c3 s + c4 s² + c5 s³), OpenCV's rational model.
struct Rational {
  static constexpr int kNumParams = 6;

  template <class T>
  static FASTCV_HD T value(const T* c, const T& s) {
    return Polynomial<3>::value(c, s) / Polynomial<3>::value(c + 3, s);
  }

  template <class T>
  static FASTCV_HD T derivatives(const T* c, const T& s, T* d_s, T* d_c) {
    T d_above, d_below;
    const T above = Polynomial<3>::derivatives(c, s, &d_above, d_c);
    const T inv_below = T(1) / Polynomial<3>::derivatives(c + 3, s, &d_below, d_c + 3);
    const T factor = above * inv_below;
    *d_s = (d_above - factor * d_below) * inv_below;
    FASTCV_UNROLL
    for (int i = 0; i < 3; ++i) {
      d_c[i] = d_c[i] * inv_below;
      d_c[i + 3] = -d_c[i + 3] * factor * inv_below;
    }
    return factor;
  }
};

// w * radial(|w|²), and where the model has them p1, p2 (Brown 1966's decentring, in OpenCV's form) and sx1, sy1 (Weng
// et al. 1992, eq. 13). Parameters in COLMAP's order: k1, k2, [p1, p2], further k, [sx1, sy1].
template <class Radial, bool kTangential = false, bool kPrism = false>
struct Distortion {
  static constexpr int kNumRadial = Radial::kNumParams;
  static constexpr int kNumParams = kNumRadial + 2 * kTangential + 2 * kPrism;
  static constexpr int kP1 = 2, kPrism1 = kNumParams - 2;

  template <class T>
  static FASTCV_HD Vec2<T> distort(const T* k, const Vec2<T>& w) {
    T c[kNumRadial + 1];
    radial_params(k, c);
    const T s = w.x * w.x + w.y * w.y;
    const T factor = Radial::value(c, s);
    Vec2<T> d{w.x * factor, w.y * factor};
    if constexpr (kTangential) {
      const T xy2 = T(2) * w.x * w.y;
      d.x = d.x + k[kP1] * xy2 + k[kP1 + 1] * (s + T(2) * w.x * w.x);
      d.y = d.y + k[kP1 + 1] * xy2 + k[kP1] * (s + T(2) * w.y * w.y);
    }
    if constexpr (kPrism) {
      d.x = d.x + k[kPrism1] * s;
      d.y = d.y + k[kPrism1 + 1] * s;
    }
    return d;
  }

  // d_w: 2 x 2, d_k: 2 x kNumParams, both row-major.
  template <class T>
  static FASTCV_HD Vec2<T> distort_jacobian(const T* k, const Vec2<T>& w, T* d_w, T* d_k) {
    T c[kNumRadial + 1], d_c[kNumRadial + 1], d_s;
    radial_params(k, c);
    const T xx = w.x * w.x, yy = w.y * w.y, xy = w.x * w.y, s = xx + yy;
    const T factor = Radial::derivatives(c, s, &d_s, d_c);
    d_w[0] = factor + T(2) * xx * d_s;
    d_w[1] = d_w[2] = T(2) * xy * d_s;
    d_w[3] = factor + T(2) * yy * d_s;
    T* d_ky = d_k + kNumParams;
    FASTCV_UNROLL
    for (int i = 0; i < kNumRadial; ++i) {
      d_k[index(i)] = w.x * d_c[i];
      d_ky[index(i)] = w.y * d_c[i];
    }
    if constexpr (kTangential) {
      const T p1 = k[kP1], p2 = k[kP1 + 1];
      d_w[0] += T(2) * p1 * w.y + T(6) * p2 * w.x;
      d_w[1] += T(2) * (p1 * w.x + p2 * w.y);
      d_w[2] += T(2) * (p1 * w.x + p2 * w.y);
      d_w[3] += T(6) * p1 * w.y + T(2) * p2 * w.x;
      d_k[kP1] = d_ky[kP1 + 1] = T(2) * xy;
      d_k[kP1 + 1] = s + T(2) * xx;
      d_ky[kP1] = s + T(2) * yy;
    }
    if constexpr (kPrism) {
      const T sx = k[kPrism1], sy = k[kPrism1 + 1];
      d_w[0] += T(2) * sx * w.x;
      d_w[1] += T(2) * sx * w.y;
      d_w[2] += T(2) * sy * w.x;
      d_w[3] += T(2) * sy * w.y;
      d_k[kPrism1] = d_ky[kPrism1 + 1] = s;
      d_k[kPrism1 + 1] = d_ky[kPrism1] = T(0);
    }
    return distort(k, w);
  }

 private:
  static constexpr FASTCV_HD int index(int radial) { return kTangential && radial >= kP1 ? radial + 2 : radial; }

  template <class T>
  static FASTCV_HD void radial_params(const T* k, T* c) {
    FASTCV_UNROLL
    for (int i = 0; i < kNumRadial; ++i) c[i] = k[index(i)];
  }
};

using NoDistortion = Distortion<Polynomial<0>>;

}  // namespace fastcv::FASTCV_ISA
