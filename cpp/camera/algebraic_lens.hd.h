// SPDX-License-Identifier: Apache-2.0
// Lenses of square roots alone, which have a closed inverse: the division model and the enhanced unified one.
#pragma once

#include "camera/lens.hd.h"

namespace fastcv::FASTCV_ISA {

// The undistorted radius is r / (1 + k r²) of the image's radius r. Source: Fitzgibbon 2001. Of the two
// solutions for r the one that starts at the axis is 2 rho / (z + sqrt(z² - 4 k rho²)), rho the point's distance to it.
struct Division {
  static constexpr int kNumParams = 1;
  static constexpr bool kSpherical = false;

  template <class T>
  static FASTCV_HD Vec2<T> project(const T* params, const Vec3<T>& point) {
    const T z = positive(point.z);
    const T factor = T(2) / (z + root(params, point, z));
    return {point.x * factor, point.y * factor};
  }

  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T* params, const Vec3<T>& point, T* d_point, T* d_params) {
    const T z = positive(point.z), r = root(params, point, z);
    const T factor = T(2) / (z + r), inv_root = T(1) / r;
    // d(factor) is slope (2 k (x, y) d(x, y) + rho² dk) - factor / root dz.
    const T slope = factor * factor * inv_root, bend = T(2) * params[0] * slope;
    d_point[0] = factor + point.x * point.x * bend;
    d_point[1] = d_point[3] = point.x * point.y * bend;
    d_point[4] = factor + point.y * point.y * bend;
    d_point[2] = -point.x * factor * inv_root;
    d_point[5] = -point.y * factor * inv_root;
    const T d_factor = slope * (point.x * point.x + point.y * point.y);
    d_params[0] = point.x * d_factor;
    d_params[1] = point.y * d_factor;
    return {point.x * factor, point.y * factor};
  }

  // False where |k| r² >= 1: for k > 0 beyond the fold, for k < 0 90° and more from the optical axis.
  template <class T>
  static FASTCV_HD bool unproject(const T* params, const Vec2<T>& image, Vec3<T>* ray) {
    const T change = params[0] * (image.x * image.x + image.y * image.y), factor = T(1) / (T(1) + change);
    *ray = {image.x * factor, image.y * factor, T(1)};
    return (change < T(1)) & (change > T(-1));
  }

 private:
  template <class T>  // NaN beyond the fold, where no image has that radius
  static FASTCV_HD T root(const T* params, const Vec3<T>& point, const T& z) {
    using std::sqrt;
    return sqrt(z * z - T(4) * params[0] * (point.x * point.x + point.y * point.y));
  }
};

// (x, y) / (alpha d + (1 - alpha) z) with d = sqrt(beta (x² + y²) + z²): a projection to an ellipsoid and from there to
// the image, 0 <= alpha <= 1; NaN unless beta > 0. Source: Khomutenko, Garcia & Martinet 2016.
struct EnhancedUnified {
  static constexpr int kNumParams = 2;
  static constexpr bool kSpherical = false;

  template <class T>
  static FASTCV_HD Vec2<T> project(const T* params, const Vec3<T>& point) {
    const T z = positive(point.z);
    const T factor = scale(params, distance(params, point, z), z);
    return {point.x * factor, point.y * factor};
  }

  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T* params, const Vec3<T>& point, T* d_point, T* d_params) {
    const T alpha = params[0], beta = positive(params[1]), z = positive(point.z);
    const T rho2 = point.x * point.x + point.y * point.y;
    const T d = distance(params, point, z), inv_d = T(1) / d, factor = scale(params, d, z);
    const Vec2<T> image{point.x * factor, point.y * factor};
    // d(image) = factor (d(x, y) - image d(denominator)).
    const T by_xy = alpha * beta * inv_d, by_z = alpha * z * inv_d + (T(1) - alpha);
    d_point[0] = factor * (T(1) - image.x * by_xy * point.x);
    d_point[1] = d_point[3] = -factor * image.x * by_xy * point.y;
    d_point[4] = factor * (T(1) - image.y * by_xy * point.y);
    d_point[2] = -factor * image.x * by_z;
    d_point[5] = -factor * image.y * by_z;
    const T by_alpha = -factor * beta * rho2 / (d + z);  // d - z would cancel near the axis
    const T by_beta = -factor * T(0.5) * alpha * rho2 * inv_d;
    d_params[0] = image.x * by_alpha;
    d_params[1] = image.x * by_beta;
    d_params[2] = image.y * by_alpha;
    d_params[3] = image.y * by_beta;
    return image;
  }

  // The point (u, v, z) on the ray where the denominator is 1 has d² = beta r² + z², a quadratic equation for z. Of the
  // two ways to write its root, each cancels where the other does not. False 90° and more from the optical axis.
  template <class T>
  static FASTCV_HD bool unproject(const T* params, const Vec2<T>& image, Vec3<T>* ray) {
    using std::sqrt;
    const T alpha = params[0], excess = T(2) * alpha - T(1);
    const T size = positive(params[1]) * (image.x * image.x + image.y * image.y);
    const T root = alpha * sqrt(T(1) - excess * size), rest = T(1) - alpha;
    const T z = excess * excess > T(0.25) ? (root - rest) / excess : (T(1) - alpha * alpha * size) / (root + rest);
    const T inv_z = T(1) / z;
    *ray = {image.x * inv_z, image.y * inv_z, T(1)};
    return z > T(0);
  }

 private:
  template <class T>
  static FASTCV_HD T distance(const T* params, const Vec3<T>& point, const T& z) {
    using std::sqrt;
    return sqrt(positive(params[1]) * (point.x * point.x + point.y * point.y) + z * z);
  }
  template <class T>
  static FASTCV_HD T scale(const T* params, const T& d, const T& z) {
    return T(1) / positive(params[0] * d + (T(1) - params[0]) * z);
  }
};

}  // namespace fastcv::FASTCV_ISA
