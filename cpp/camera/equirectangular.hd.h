// SPDX-License-Identifier: Apache-2.0
// The equirectangular panorama: longitude and latitude of a direction, as parts of the image's width and height.
#pragma once

#include "camera/trig.hd.h"
#include "camera/vec.hd.h"

namespace fastcv::FASTCV_ISA {

// (1/2 + longitude / 2 pi, 1/2 + latitude / pi) with longitude = atan2(x, z) and latitude = atan2(y, sqrt(x² + z²)), so
// that the image's centre looks along z and its left and right side meet behind the camera. Source: the plate carrée of
// Snyder, "Map projections: a working manual", 1987, eq. 12-1 and 12-2. Of all points only the origin has no image.
struct Equirectangular {
  static constexpr int kNumParams = 0;
  static constexpr bool kSpherical = true;

  template <class T>
  static FASTCV_HD Vec2<T> project(const T*, const Vec3<T>& point) {
    using std::sqrt;
    const Vec3<T> p = not_origin(point);
    return {T(0.5) + arctan2_of_all(p.x, p.z) * T(1 / (2 * kPi)),
            T(0.5) + arctan2_of_all(p.y, sqrt(distance2(p))) * T(1 / kPi)};
  }

  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T* params, const Vec3<T>& point, T* d_point, T*) {
    using std::sqrt;
    const Vec3<T> p = not_origin(point);
    const T rho2 = distance2(p), rho = sqrt(rho2);
    const T longitude = T(1 / (2 * kPi)) / rho2, latitude = T(1 / kPi) / (rho2 + p.y * p.y), slope = p.y / rho;
    d_point[0] = p.z * longitude;
    d_point[1] = T(0);
    d_point[2] = -p.x * longitude;
    d_point[3] = -p.x * slope * latitude;
    d_point[4] = rho * latitude;
    d_point[5] = -p.z * slope * latitude;
    return project(params, point);
  }

  // A unit vector. Longitudes repeat after a turn, so that pixels left and right of the image have a ray too; false
  // where the latitude is beyond a pole.
  template <class T>
  static FASTCV_HD bool unproject(const T*, const Vec2<T>& image, Vec3<T>* ray) {
    // At a pole every longitude is the same direction. This little away from it the ray still knows which one it was.
    constexpr T kPole = std::is_same_v<T, float> ? T(1e-12) : T(1e-30);
    const T up = image.y - T(0.5);
    const SineCosine<T> longitude = sine_cosine_of_turns(image.x - T(0.5)),
                        latitude = sine_cosine_of_turns(T(0.5) * up);
    const T rho = latitude.cosine < kPole ? kPole : latitude.cosine;
    *ray = {rho * longitude.sine, latitude.sine, rho * longitude.cosine};
    return (up <= T(0.5)) & (up >= T(-0.5));
  }

 private:
  template <class T>
  static FASTCV_HD Vec3<T> not_origin(const Vec3<T>& p) {
    const bool origin = (p.x == T(0)) & (p.y == T(0)) & (p.z == T(0));
    return {origin ? T(NAN) : p.x, origin ? T(NAN) : p.y, p.z};
  }

  // Squared distance to the line through the poles, kept from 0: there the derivatives by the longitude become 0.
  template <class T>
  static FASTCV_HD T distance2(const Vec3<T>& p) {
    constexpr T kTiny = std::is_same_v<T, float> ? T(1e-34) : T(1e-290);
    const T rho2 = p.x * p.x + p.z * p.z;
    return rho2 < kTiny ? kTiny : rho2;
  }
};

}  // namespace fastcv::FASTCV_ISA
