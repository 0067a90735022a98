// SPDX-License-Identifier: Apache-2.0
// Lenses: camera-frame point to undistorted image coordinates, in units of the focal length. Only points in front of
// the camera (z > 0) have an image; for all others a lens gives NaN, unless it is spherical and sees every direction.
#pragma once

#include "camera/trig.hd.h"
#include "camera/vec.hd.h"

namespace fastcv::FASTCV_ISA {

// A depth, or another value that has to be positive; else NaN.
template <class T>
FASTCV_HD T positive(const T& value) {
  return value > T(0) ? value : T(NAN);
}

// (x/z, y/z). Source: Hartley & Zisserman 2004, eq. 6.1.
struct Perspective {
  static constexpr int kNumParams = 0;
  static constexpr bool kSpherical = false;

  template <class T>
  static FASTCV_HD Vec2<T> project(const T*, const Vec3<T>& point) {
    const T inv_z = T(1) / positive(point.z);
    return {point.x * inv_z, point.y * inv_z};
  }

  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T*, const Vec3<T>& point, T* d_point, T*) {
    const T inv_z = T(1) / positive(point.z);
    const Vec2<T> image{point.x * inv_z, point.y * inv_z};
    d_point[0] = d_point[4] = inv_z;
    d_point[1] = d_point[3] = T(0);
    d_point[2] = -image.x * inv_z;
    d_point[5] = -image.y * inv_z;
    return image;
  }

  template <class T>
  static FASTCV_HD bool unproject(const T*, const Vec2<T>& image, Vec3<T>* ray) {
    *ray = {image.x, image.y, T(1)};
    return true;
  }
};

// The image radius is atan(slope * r) / omega, where r = tan(angle to the optical axis).
template <class T>
struct ArctanCurve {
  T slope, omega;
};

// Equidistant fisheye, radius = angle. Source: Kannala & Brandt 2006, eq. 2, the model of COLMAP and OpenCV.
struct FisheyeCurve {
  static constexpr int kNumParams = 0;
  template <class T>
  static FASTCV_HD ArctanCurve<T> curve(const T*) {
    return {T(1), T(1)};
  }
};

// radius = atan(2 r tan(omega/2)) / omega, 0 <= omega < pi. Source: Devernay & Faugeras 2001, eq. 13.
struct FieldOfViewCurve {
  static constexpr int kNumParams = 1;
  template <class T>
  static FASTCV_HD ArctanCurve<T> curve(const T* params) {
    using std::tan;
    // As omega goes to 0 the lens goes to Perspective; a tiny omega is that limit to the last bit.
    const T omega = params[0] > T(1e-15) ? params[0] : T(1e-15);
    return {T(2) * tan(omega * T(0.5)), omega};
  }
};

template <class Curve>
struct ArctanLens {
  static constexpr int kNumParams = Curve::kNumParams;
  static constexpr bool kSpherical = false;

  template <class T>
  static FASTCV_HD Vec2<T> project(const T* params, const Vec3<T>& point) {
    const T factor = scale(Curve::curve(params), distance2(point), positive(point.z));
    return {point.x * factor, point.y * factor};
  }

  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T* params, const Vec3<T>& point, T* d_point, T* d_params) {
    const ArctanCurve<T> c = Curve::curve(params);
    const T ratio = c.slope / c.omega, z = positive(point.z), rho2 = distance2(point);
    const T factor = scale(c, rho2, z);
    // d(radius)/d(rho) = ratio z / (z² + slope² rho²) along the radius, and factor across it.
    const T inv_n = T(1) / (z * z + c.slope * c.slope * rho2);
    const T along = ratio * z * inv_n;
    const T bend = (along - factor) / rho2;
    d_point[0] = factor + point.x * point.x * bend;
    d_point[1] = d_point[3] = point.x * point.y * bend;
    d_point[4] = factor + point.y * point.y * bend;
    d_point[2] = -ratio * point.x * inv_n;
    d_point[5] = -ratio * point.y * inv_n;
    if constexpr (kNumParams == 1) {
      const T d_factor = scale_by_omega(c, rho2, z, factor, along);
      d_params[0] = point.x * d_factor;
      d_params[1] = point.y * d_factor;
    }
    return {point.x * factor, point.y * factor};
  }

  // False beyond 90° from the optical axis, which no ray with z = 1 reaches.
  template <class T>
  static FASTCV_HD bool unproject(const T* params, const Vec2<T>& image, Vec3<T>* ray) {
    using std::sqrt;
    const ArctanCurve<T> c = Curve::curve(params);
    const T radius = sqrt(distance2(image)), theta = c.omega * radius;
    const T factor = tangent(theta) / (c.slope * radius);
    *ray = {image.x * factor, image.y * factor, T(1)};
    return theta < T(kPi / 2);
  }

 private:
  // Squared distance to the optical axis, kept from 0: the limits there then come out of the formulas by themselves.
  template <class V>
  static FASTCV_HD auto distance2(const V& point) {
    using T = decltype(point.x * point.x);
    constexpr double kTiny = std::is_same_v<T, float> ? 1e-34 : 1e-290;
    const T rho2 = point.x * point.x + point.y * point.y;
    return rho2 < T(kTiny) ? T(kTiny) : rho2;
  }

  // Image radius by distance to the axis.
  template <class T>
  static FASTCV_HD T scale(const ArctanCurve<T>& c, const T& rho2, const T& z) {
    using std::sqrt;
    const T rho = sqrt(rho2);
    return arctan2(c.slope * rho, z) / (c.omega * rho);
  }

  // d(scale)/d(omega). The closed form cancels for small omega, where two terms of
  // scale z = 1 + omega² (1/12 - r²/3) + omega⁴ (1/120 - r²/12 + r⁴/5) + … take over; both err alike at the border.
  template <class T>
  static FASTCV_HD T scale_by_omega(const ArctanCurve<T>& c, T rho2, T z, T factor, T along) {
    constexpr T kSmall = std::is_same_v<T, float> ? T(5e-3) : T(6e-6);  // eps^(1/3)
    const T w = c.omega, w2 = w * w, r2 = rho2 / (z * z);
    const T d_slope = T(1) + T(0.25) * c.slope * c.slope;
    const T closed = along * d_slope / c.slope - factor / w;
    const T series =
        w * (T(2) * (T(1. / 12) - r2 / T(3)) + T(4) * w2 * (T(1. / 120) - r2 / T(12) + r2 * r2 / T(5))) / z;
    return w2 * (T(1) + r2) < kSmall ? series : closed;
  }
};

using Fisheye = ArctanLens<FisheyeCurve>;
using FieldOfView = ArctanLens<FieldOfViewCurve>;

}  // namespace fastcv::FASTCV_ISA
