// SPDX-License-Identifier: Apache-2.0
// Lenses: camera-frame point to undistorted image coordinates, in units of the focal length. Only points in front of
// the camera (z > 0) have an image; for all others every lens gives NaN.
#pragma once

#include "camera/trig.hd.h"
#include "camera/vec.hd.h"

namespace fastcv::FASTCV_ISA {

template <class T>
FASTCV_HD T inverse_depth(const T& z) {
  const T inv_z = T(1) / z;
  return z > T(0) ? inv_z : T(NAN);
}

// (x/z, y/z). Source: Hartley & Zisserman 2004, eq. 6.1.
struct Perspective {
  static constexpr int kNumParams = 0;

  template <class T>
  static FASTCV_HD Vec2<T> project(const T*, const Vec3<T>& point) {
    const T inv_z = inverse_depth(point.z);
    return {point.x * inv_z, point.y * inv_z};
  }

  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T*, const Vec3<T>& point, T* d_point, T*) {
    const T inv_z = inverse_depth(point.z);
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

  template <class T>
  static FASTCV_HD Vec2<T> project(const T* params, const Vec3<T>& point) {
    const T factor = scale(Curve::curve(params), point, inverse_depth(point.z));
    return {point.x * factor, point.y * factor};
  }

  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T* params, const Vec3<T>& point, T* d_point, T* d_params) {
    const ArctanCurve<T> c = Curve::curve(params);
    const T inv_z = inverse_depth(point.z), ratio = c.slope / c.omega;
    const T factor = scale(c, point, inv_z);
    const T rho2 = point.x * point.x + point.y * point.y;
    // d(radius)/d(rho) = ratio z / (z² + slope² rho²) along the radius, factor across it, ratio / z for both on the
    // axis.
    const T inv_n = T(1) / (point.z * point.z + c.slope * c.slope * rho2);
    const T along = ratio * point.z * inv_n;
    const T bend = rho2 > T(0) ? (along - factor) / rho2 : T(0);
    d_point[0] = factor + point.x * point.x * bend;
    d_point[1] = d_point[3] = point.x * point.y * bend;
    d_point[4] = factor + point.y * point.y * bend;
    d_point[2] = -ratio * point.x * inv_n;
    d_point[5] = -ratio * point.y * inv_n;
    if constexpr (kNumParams == 1) {
      const T d_factor = scale_by_omega(c, rho2, factor, along, inv_z);
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
    const T radius2 = image.x * image.x + image.y * image.y;
    const T theta = c.omega * sqrt(radius2);
    const T slope_r = tangent(theta);
    const T factor = radius2 > T(0) ? slope_r * c.omega / (c.slope * theta) : c.omega / c.slope;
    *ray = {image.x * factor, image.y * factor, T(1)};
    return theta < T(kPi / 2);
  }

 private:
  // theta / (omega rho): the limit on the axis is slope / (omega z).
  template <class T>
  static FASTCV_HD T scale(const ArctanCurve<T>& c, const Vec3<T>& point, const T& inv_z) {
    using std::sqrt;
    const T rho2 = point.x * point.x + point.y * point.y;
    const T rho = sqrt(rho2), z = point.z > T(0) ? point.z : T(NAN);
    const T off_axis = arctan2(c.slope * rho, z) / (c.omega * rho);
    return rho2 > T(0) ? off_axis : c.slope / c.omega * inv_z;
  }

  // d(factor)/d(omega). The closed form cancels for small omega, where two terms of
  // factor z = 1 + omega² (1/12 - r²/3) + omega⁴ (1/120 - r²/12 + r⁴/5) + … take over; both err alike at the border.
  template <class T>
  static FASTCV_HD T scale_by_omega(const ArctanCurve<T>& c, T rho2, T factor, T along, T inv_z) {
    constexpr T kSmall = std::is_same_v<T, float> ? T(5e-3) : T(6e-6);  // eps^(1/3)
    const T w = c.omega, r2 = rho2 * inv_z * inv_z;
    const T d_slope = T(1) + T(0.25) * c.slope * c.slope;
    const T closed = (along * d_slope / c.slope * w - factor) / w;
    const T series =
        T(2) * w * (T(1. / 12) - r2 / T(3)) + T(4) * w * w * w * (T(1. / 120) - r2 / T(12) + r2 * r2 / T(5));
    return w * w * (T(1) + r2) < kSmall ? series * inv_z : closed;
  }
};

using Fisheye = ArctanLens<FisheyeCurve>;
using FieldOfView = ArctanLens<FieldOfViewCurve>;

}  // namespace fastcv::FASTCV_ISA
