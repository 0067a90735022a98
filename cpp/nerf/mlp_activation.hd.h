// SPDX-License-Identifier: Apache-2.0
// Activations of networks, and their slopes as functions of the activation's value, so that nothing else need be kept
// for going back. Sources: Dugas et al. 2001 (softplus), Barron 2021, "Squareplus", eq. 1 (with b = 4).
#pragma once

#include <cmath>

#include "nerf/mlp.h"
#include "nerf/table_lanes.hd.h"

namespace fastcv::FASTCV_ISA {

// Of one number, the standard library's.
FASTCV_HD float exponential(float x) { return ::expf(x); }
FASTCV_HD double exponential(double x) { return ::exp(x); }
FASTCV_HD float exponential_less_one(float x) { return ::expm1f(x); }
FASTCV_HD double exponential_less_one(double x) { return ::expm1(x); }
FASTCV_HD float log_of_one_more(float x) { return ::log1pf(x); }
FASTCV_HD double log_of_one_more(double x) { return ::log1p(x); }
FASTCV_HD float square_root(float x) { return ::sqrtf(x); }
FASTCV_HD double square_root(double x) { return ::sqrt(x); }

#ifndef __CUDACC__

// e^x = 2^power (1 + rest), |power| < 2^8. Source: Cody & Waite 1980, ch. 6, with Taylor's series to degree 7.
struct ExponentialParts {
  Ints power;
  Floats rest;
};
FASTCV_HD ExponentialParts exponential_parts(Floats x, float least) {
  constexpr float kRound = 12582912.0F;  // 1.5 2^23: whole numbers are as far apart as floats there
  const Floats clamped = smaller(larger(x, splat(least)), splat(89.0F));
  const Floats shifted = clamped * 1.44269504F + kRound;
  const Floats k = shifted - kRound, r = (clamped - k * 0.693359375F) + k * 2.12194440e-4F;
  Floats p = splat(1.0F / 5040.0F);
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  return {bits_of(shifted) - 0x4b400000, p * r};
}
// To about 1e-7, in two factors: 2^power alone may be no float.
FASTCV_HD Floats exponential(Floats x) {
  const auto [power, rest] = exponential_parts(x, -104.0F);
  const Ints half = power >> 1;
  const Floats result = (rest + 1.0F) * from_bits((half + 127) << 23) * from_bits((power - half + 127) << 23);
  return select(x == x, result, x);
}
// For x <= 0.
FASTCV_HD Floats exponential_less_one(Floats x) {
  const auto [power, rest] = exponential_parts(x, -30.0F);
  const Floats scale = from_bits((power + 127) << 23);
  return select(x == x, scale * rest + (scale - 1.0F), x);
}
// For x in [0, 1]: 2 artanh(x / (2 + x)) as a series.
FASTCV_HD Floats log_of_one_more(Floats x) {
  const Floats s = x / (x + 2.0F), square = s * s;
  Floats p = splat(2.0F / 15.0F);
  p = p * square + 2.0F / 13.0F;
  p = p * square + 2.0F / 11.0F;
  p = p * square + 2.0F / 9.0F;
  p = p * square + 2.0F / 7.0F;
  p = p * square + 2.0F / 5.0F;
  p = p * square + 2.0F / 3.0F;
  return (p * square + 2.0F) * s;
}
FASTCV_HD Floats square_root(Floats x) {
  float lanes[kLanes];
  store(lanes, x);
  for (int i = 0; i < kLanes; ++i) lanes[i] = __builtin_sqrtf(lanes[i]);
  return load<Floats>(lanes);
}

#endif  // __CUDACC__

template <class F>
FASTCV_HD F absolute(F x) {
  return select(x < F{}, -x, x);
}

// f(z).
template <class F>
FASTCV_HD F activated(nerf::Activation activation, F z) {
  using enum nerf::Activation;
  switch (activation) {
    case relu:
      return select(z < F{}, F{}, z);
    case leaky_relu:
      return select(z < F{}, z / 100.0F, z);
    case sigmoid:
      return 1.0F / (exponential(-z) + 1.0F);
    case tanh: {
      const F t = -exponential_less_one(-2.0F * absolute(z));
      const F result = t / (2.0F - t);
      return select(z < F{}, -result, result);
    }
    case exp:
      return exponential(z);
    case softplus:
      return select(z < F{}, F{}, z) + log_of_one_more(exponential(-absolute(z)));
    case squareplus: {  // (z + r) / 2 without cancellation
      const F far = absolute(z) + square_root(z * z + 4.0F);
      return select(z < F{}, 2.0F / far, 0.5F * far);
    }
    default:
      return z;
  }
}

// x f'(z), of a = f(z).
template <class F>
FASTCV_HD F times_slope(nerf::Activation activation, F a, F x) {
  using enum nerf::Activation;
  switch (activation) {
    case relu:
      return select(a <= F{}, F{}, x);
    case leaky_relu:
      return select(a <= F{}, x / 100.0F, x);
    case sigmoid:
      return x * (a * (1.0F - a));
    case tanh:
      return x * ((1.0F - a) * (1.0F + a));
    case exp:
      return x * a;
    case softplus:
      return -x * exponential_less_one(-a);
    case squareplus:  // z = a - 1 / a
      return x * (a / (a + 1.0F / a));
    default:
      return x;
  }
}

// x times the derivative of f'(z) by a = f(z).
template <class F>
FASTCV_HD F times_slope_change(nerf::Activation activation, F a, F x) {
  using enum nerf::Activation;
  switch (activation) {
    case sigmoid:
      return x * (1.0F - 2.0F * a);
    case tanh:
      return -2.0F * a * x;
    case exp:
      return x;
    case softplus:
      return x * exponential(-a);
    case squareplus: {
      const F inverse = 1.0F / (a * a + 1.0F);
      return 2.0F * a * x * inverse * inverse;
    }
    default:
      return F{};
  }
}

}  // namespace fastcv::FASTCV_ISA
