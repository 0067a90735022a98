// SPDX-License-Identifier: Apache-2.0
// Arctangent, sine, cosine and tangent without branches or library calls: loops over them vectorise, and every
// instruction set and the GPU give the same bits. Errors stay below 2 ulp.
#pragma once

#include <cmath>
#include <type_traits>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

inline constexpr double kPi = 3.14159265358979323846;

template <class T>
FASTCV_HD T horner(T, double c) {
  return T(c);
}
// c + x * (c1 + x * (c2 + …))
template <class T, class... Rest>
FASTCV_HD T horner(T x, double c, Rest... rest) {
  return T(c) + x * horner(x, rest...);
}

// atan2(y, x) for y >= 0 and x > 0. The range is reduced to |t| <= tan(pi/8) by atan(y/x) = pi/4 + atan((y-x)/(y+x))
// and = pi/2 - atan(x/y). Coefficients: interpolation of (atan(t)/t - 1)/t² at Chebyshev nodes.
template <class T>
FASTCV_HD T arctan2(const T& y, const T& x) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr T kTanPi8 = T(0.41421356237309504880);
    const bool low = y <= kTanPi8 * x, high = x < kTanPi8 * y;
    const T offset = low ? T(0) : high ? T(kPi / 2) : T(kPi / 4);
    const T t = (low ? y : high ? -x : y - x) / (low ? x : high ? y : y + x);
    const T s = t * t;
    T series;
    if constexpr (std::is_same_v<T, float>) {
      series = horner(s, -0.333333317604345559, 0.199995403149579694, -0.14263949753605724, 0.107436683248300981,
                      -0.0645171886935895807);
    } else {
      series = horner(s, -0.333333333333333302, 0.199999999999955165, -0.142857142846656808, 0.111111110151870187,
                      -0.0909090457530648908, 0.0769218312537689209, -0.066645105255089366, 0.0585814090486632828,
                      -0.0508540783458948426, 0.0392304477847930952, -0.0191754047111049337);
    }
    return offset + (t + t * s * series);
  } else {
    return atan2(y, x);  // automatic differentiation types bring their own
  }
}

// atan2(y, x) of any point that is not the origin, in [-pi, pi].
template <class T>
FASTCV_HD T arctan2_of_all(const T& y, const T& x) {
  constexpr T kTiny = std::is_same_v<T, float> ? T(1e-34) : T(1e-290);  // for x = 0
  const T abs_y = y < T(0) ? -y : y, abs_x = x < T(0) ? -x : x;
  const T angle = arctan2(abs_y, abs_x < kTiny ? kTiny : abs_x);
  const T upper = x < T(0) ? T(kPi) - angle : angle;
  return y < T(0) ? -upper : upper;
}

template <class T>
struct SineCosine {
  T sine, cosine;
};

// Of an angle in [-pi/4, pi/4]. Coefficients as above.
template <class T>
FASTCV_HD SineCosine<T> sine_cosine(const T& x) {
  const T s = x * x;
  T sine, cosine;
  if constexpr (std::is_same_v<T, float>) {
    sine = horner(s, -0.16666666663854167, 0.00833333187427371367, -0.000198400864995935981, 2.72498952306116781e-6);
    cosine = horner(s, 0.0416666646589014037, -0.00138888029191136328, 0.0000245479168536910169);
  } else {
    sine = horner(s, -0.166666666666666646, 0.00833333333333094729, -0.000198412698367567725, 2.75573161016178744e-6,
                  -2.50511316502351815e-8, 1.59181152632659752e-10);
    cosine = horner(s, 0.0416666666666666654, -0.00138888888888873965, 0.0000248015872987645608, -2.7557317271145146e-7,
                    2.08761461465586116e-9, -1.13826236474746046e-11);
  }
  return {x + x * s * sine, T(1) - T(0.5) * s + s * s * cosine};
}

// Of any angle in turns of 2 pi: its distance to the nearest quarter turn is exact, whatever the angle. (Adding 1/2 and
// rounding down would not be: beyond 2^21 turns a float has no room for the half.)
template <class T>
FASTCV_HD SineCosine<T> sine_cosine_of_turns(const T& turns) {
  using std::floor, std::rint;
  const T quarters = rint(T(4) * turns);
  const SineCosine<T> rest = sine_cosine(T(2 * kPi) * (turns - T(0.25) * quarters));
  const T quadrant = quarters - T(4) * floor(T(0.25) * quarters);  // 0, 1, 2 or 3
  const bool odd = (quadrant == T(1)) | (quadrant == T(3));
  const T sine = odd ? rest.cosine : rest.sine, cosine = odd ? rest.sine : rest.cosine;
  return {quadrant > T(1) ? -sine : sine, (quadrant == T(1)) | (quadrant == T(2)) ? -cosine : cosine};
}

// tan(theta) for 0 <= theta < pi/2.
template <class T>
FASTCV_HD T tangent(T theta) {
  // pi/2 in two parts: beyond pi/4 the distance to pi/2 must keep its relative accuracy.
  constexpr bool kSingle = std::is_same_v<T, float>;
  constexpr T kHigh = T(kPi / 2), kLow = kSingle ? T(-4.37113900018624283e-8) : T(6.12323399573676604e-17);
  const bool steep = theta > T(kPi / 4);
  const SineCosine<T> of = sine_cosine(steep ? (kHigh - theta) + kLow : theta);
  return (steep ? of.cosine : of.sine) / (steep ? of.sine : of.cosine);
}

}  // namespace fastcv::FASTCV_ISA
