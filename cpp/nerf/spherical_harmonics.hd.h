// SPDX-License-Identifier: Apache-2.0
// Real spherical harmonics at one direction (or vector of directions), as polynomials of x, y and z. Source: Sloan
// 2013, "Efficient spherical harmonic evaluation", with the Condon-Shortley phase, which tiny-cuda-nn keeps.
//
// Y_l^m = Q_l^m(z) Re (x + i y)^m, and Q_l^|m|(z) Im (x + i y)^|m| for m < 0, at place l^2 + l + m. The
// Q are Legendre's functions over sin^m, normalised; they follow from each other by
//   Q_m^m = -sqrt((2 m + 1) / (2 m)) Q_(m-1)^(m-1),  Q_l^m = a_l^m z Q_(l-1)^m - b_l^m Q_(l-2)^m.
#pragma once

#include "nerf/along.hd.h"
#include "nerf/spherical_harmonics.h"
#include "nerf/table_lanes.hd.h"

namespace fastcv::FASTCV_ISA {

struct SphericalConstants {
  double first[nerf::kMaxSphericalDegree];  // Q_m^m
  double a[nerf::kMaxSphericalDegree][nerf::kMaxSphericalDegree],
      b[nerf::kMaxSphericalDegree][nerf::kMaxSphericalDegree];

  static constexpr double root(double x) {
    double y = x > 1 ? x : 1;
    for (int i = 0; i < 64; ++i) y = 0.5 * (y + x / y);
    return y;
  }
  constexpr SphericalConstants() : first{}, a{}, b{} {
    first[0] = 0.5 / root(3.14159265358979323846);
    for (int m = 1; m < nerf::kMaxSphericalDegree; ++m) {
      first[m] = -first[m - 1] * root((2.0 * m + 1) / (m == 1 ? 1 : 2 * m));  // sqrt(2) more from m = 1 on
    }
    for (int m = 0; m < nerf::kMaxSphericalDegree; ++m) {
      for (int l = m + 1; l < nerf::kMaxSphericalDegree; ++l) {
        const double l2 = double(l) * l, m2 = double(m) * m, before = (l - 1.0) * (l - 1.0);
        a[m][l] = root((4 * l2 - 1) / (l2 - m2));
        b[m][l] = l == m + 1 ? 0 : a[m][l] * root((before - m2) / (4 * before - 1));
      }
    }
  }
};

// Numbers of the precision of F, which may be a vector.
template <class F>
struct ScalarOf {
  using Type = F;
};
#ifndef __CUDACC__
template <>
struct ScalarOf<Floats> {
  using Type = float;
};
#endif

// Re and Im of (x + i y)^m.
template <class W>
struct CirclePower {
  W re, im;
  FASTCV_HD CirclePower next(const W& x, const W& y) const { return {x * re - y * im, x * im + y * re}; }
};

// Calls of_order(m, (x + i y)^m, (x + i y)^(m-1)) and, in it through run(of_band), of_band(l, Q_l^m, dQ_l^m/dz).
template <class W, class OfOrder>
FASTCV_HD void for_each_order(int degree, const W& x, const W& y, const W& z, const OfOrder& of_order) {
  using F = typename Sought<W>::Real;
  using Scalar = typename ScalarOf<F>::Type;
  constexpr SphericalConstants kConstants;
  const W zero = Sought<W>::constant(F{}), one = Sought<W>::constant(F{} + Scalar(1));
  CirclePower<W> power{one, zero}, lower{zero, zero};
  FASTCV_UNROLL
  for (int m = 0; m < nerf::kMaxSphericalDegree; ++m) {
    if (m >= degree) break;
    of_order(m, power, lower, [&](const auto& of_band) {
      W q = Sought<W>::constant(F{} + Scalar(kConstants.first[m])), dq = zero, q_before = zero, dq_before = zero;
      of_band(m, q, dq);
      FASTCV_UNROLL
      for (int l = m + 1; l < nerf::kMaxSphericalDegree; ++l) {
        if (l >= degree) break;
        const F a = F{} + Scalar(kConstants.a[m][l]), b = F{} + Scalar(kConstants.b[m][l]);
        const W next = z * q * a - q_before * b, d_next = (q + z * dq) * a - dq_before * b;
        q_before = q, dq_before = dq, q = next, dq = d_next;
        of_band(l, q, dq);
      }
    });
    lower = power;
    power = power.next(x, y);
  }
}

// put(place, value)
template <class W, class Put>
FASTCV_HD void spherical_harmonics(int degree, const W& x, const W& y, const W& z, const Put& put) {
  for_each_order(degree, x, y, z, [&](int m, const CirclePower<W>& power, const CirclePower<W>&, const auto& run) {
    run([&](int l, const W& q, const W&) {
      put(l * l + l + m, Sought<W>::of(q * power.re));
      if (m > 0) put(l * l + l - m, Sought<W>::of(q * power.im));
    });
  });
}

// get(place) is the gradient by a value; the result is that by x, y and z.
template <class W, class Get>
FASTCV_HD void spherical_harmonics_vjp(int degree, const W& x, const W& y, const W& z, const Get& get,
                                       typename Sought<W>::Real (&result)[3]) {
  using F = typename Sought<W>::Real;
  using Scalar = typename ScalarOf<F>::Type;
  const W zero = Sought<W>::constant(F{});
  W by_x = zero, by_y = zero, by_z = zero;
  for_each_order(degree, x, y, z,
                 [&](int m, const CirclePower<W>& power, const CirclePower<W>& lower, const auto& run) {
                   W re = zero, im = zero, d_re = zero, d_im = zero;  // sums over l of Q and dQ/dz with the gradients
                   run([&](int l, const W& q, const W& dq) {
                     const F g = get(l * l + l + m);
                     re = re + q * g;
                     d_re = d_re + dq * g;
                     if (m == 0) return;
                     const F h = get(l * l + l - m);
                     im = im + q * h;
                     d_im = d_im + dq * h;
                   });
                   by_z = by_z + (power.re * d_re + power.im * d_im);
                   // d (x + i y)^m = m (x + i y)^(m-1) (dx + i dy)
                   const F factor = F{} + Scalar(m);
                   by_x = by_x + (lower.re * re + lower.im * im) * factor;
                   by_y = by_y + (lower.re * im - lower.im * re) * factor;
                 });
  result[0] = Sought<W>::of(by_x);
  result[1] = Sought<W>::of(by_y);
  result[2] = Sought<W>::of(by_z);
}

// For one direction, as GPUs run it. W is T, or Along<T> with tangents.
template <class W, class T>
struct SphericalOne {
  int degree;
  const T *directions, *tangents;
  T* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    T* to = out + i * degree * degree;
    W at[3];
    for (int d = 0; d < 3; ++d) {
      at[d] = Sought<W>::number(directions[3 * i + d], tangents == nullptr ? T(0) : tangents[3 * i + d]);
    }
    spherical_harmonics(degree, at[0], at[1], at[2], [&](int place, const T& value) { to[place] = value; });
  }
};

template <class W, class T>
struct SphericalVjpOne {
  int degree;
  const T *directions, *tangents, *grad;
  T* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const T* from = grad + i * degree * degree;
    W at[3];
    for (int d = 0; d < 3; ++d) {
      at[d] = Sought<W>::number(directions[3 * i + d], tangents == nullptr ? T(0) : tangents[3 * i + d]);
    }
    T result[3];
    spherical_harmonics_vjp(
        degree, at[0], at[1], at[2], [&](int place) { return from[place]; }, result);
    for (int d = 0; d < 3; ++d) out[3 * i + d] = result[d];
  }
};

}  // namespace fastcv::FASTCV_ISA
