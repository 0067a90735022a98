// SPDX-License-Identifier: Apache-2.0
// Camera models: a lens, a distortion and the intrinsics, one after the other. Names, numbers and parameter order are
// COLMAP's (src/colmap/sensor/models.h); BAL is the model of Agarwal et al. 2010 with z forward and y down.
#pragma once

#include "camera/algebraic_lens.hd.h"
#include "camera/distortion.hd.h"
#include "camera/equirectangular.hd.h"
#include "camera/lens.hd.h"
#include "camera/rad_tan_thin_prism.hd.h"
#include "camera/undistort.hd.h"

namespace fastcv::FASTCV_ISA {

// Focal lengths (one or two), then the principal point, in pixels. Without one it is the image's corner (0, 0).
template <int kNumFocal, bool kPrincipalPoint = true>
struct Intrinsics {
  static constexpr int kPrincipal = kNumFocal;
  static constexpr int kNumParams = kNumFocal + 2 * kPrincipalPoint;

  template <class T>
  static FASTCV_HD Vec2<T> focal(const T* params) {
    return {params[0], params[kNumFocal - 1]};
  }
  template <class T>
  static FASTCV_HD Vec2<T> principal(const T* params) {
    if constexpr (kPrincipalPoint) return {params[kPrincipal], params[kPrincipal + 1]};
    return {T(0), T(0)};
  }
};

// Parameters: those of K, then the lens's, then the distortion's.
template <int kModelId, class K, class Lens, class Distortion = NoDistortion>
struct CameraModel {
  using DistortionType = Distortion;
  static constexpr int kId = kModelId;
  // Sees every direction, also behind: rays are unit vectors then, and images repeat every params[0] pixels in x.
  static constexpr bool kSpherical = Lens::kSpherical;
  static constexpr int kLens = K::kNumParams;
  static constexpr int kDistortion = kLens + Lens::kNumParams;
  static constexpr int kNumParams = kDistortion + Distortion::kNumParams;

  // Camera-frame point to pixel; NaN where z <= 0, and for a spherical model only for the origin.
  template <class T>
  static FASTCV_HD Vec2<T> project(const T* params, const Vec3<T>& point_in_cam) {
    const Vec2<T> w = Lens::project(params + kLens, point_in_cam);
    const Vec2<T> d = Distortion::distort(params + kDistortion, w);
    const Vec2<T> f = K::focal(params), c = K::principal(params);
    return {f.x * d.x + c.x, f.y * d.y + c.y};
  }

  // The pixel and its derivatives by the point (2 x 3) and the parameters (2 x kNumParams), both row-major.
  template <class T>
  static FASTCV_HD Vec2<T> project_jacobian(const T* params, const Vec3<T>& point_in_cam, T* d_point, T* d_params) {
    T lens[6], lens_k[2 * Lens::kNumParams + 1], bend[4], bend_k[2 * Distortion::kNumParams + 1];
    const Vec2<T> w = Lens::project_jacobian(params + kLens, point_in_cam, lens, lens_k);
    const Vec2<T> d = Distortion::distort_jacobian(params + kDistortion, w, bend, bend_k);
    const Vec2<T> f = K::focal(params), c = K::principal(params);
    // Chain rule, one image axis at a time: d(pixel) = f (bend (lens d(point) + lens_k d(k)) + bend_k d(k)).
    FASTCV_UNROLL
    for (int axis = 0; axis < 2; ++axis) {
      const T fa = axis == 0 ? f.x : f.y, bx = fa * bend[2 * axis], by = fa * bend[2 * axis + 1];
      T* row = d_params + axis * kNumParams;
      FASTCV_UNROLL
      for (int i = 0; i < 3; ++i) d_point[3 * axis + i] = bx * lens[i] + by * lens[3 + i];
      FASTCV_UNROLL
      for (int i = 0; i < kLens; ++i) row[i] = T(0);
      row[axis == 0 ? 0 : K::kPrincipal - 1] = axis == 0 ? d.x : d.y;
      if constexpr (K::kNumParams > K::kPrincipal) row[K::kPrincipal + axis] = T(1);
      FASTCV_UNROLL
      for (int i = 0; i < Lens::kNumParams; ++i) {
        row[kLens + i] = bx * lens_k[i] + by * lens_k[Lens::kNumParams + i];
      }
      FASTCV_UNROLL
      for (int i = 0; i < Distortion::kNumParams; ++i) {
        row[kDistortion + i] = fa * bend_k[axis * Distortion::kNumParams + i];
      }
    }
    return {f.x * d.x + c.x, f.y * d.y + c.y};
  }

  // Pixel to the ray that projects to it, (x, y, 1) or, for a spherical model, a unit vector. False, and NaN for x and
  // y, where there is none: beyond the fold of the distortion, 90° and more from the optical axis, beyond a pole.
  template <class T>
  static FASTCV_HD bool unproject(const T* params, const Vec2<T>& pixel, Vec3<T>* ray) {
    Vec2<T> w;
    const bool found = undistort<Distortion>(params + kDistortion, image_coordinates(params, pixel), &w);
    return ray_from(params, w, found, ray);
  }

  // The two ends of unproject, for loops that interleave the search between them: pixel to distorted coordinates, and
  // undistorted coordinates to the ray.
  template <class T>
  static FASTCV_HD Vec2<T> image_coordinates(const T* params, const Vec2<T>& pixel) {
    const Vec2<T> f = K::focal(params), c = K::principal(params);
    return {(pixel.x - c.x) / f.x, (pixel.y - c.y) / f.y};
  }
  template <class T>
  static FASTCV_HD bool ray_from(const T* params, const Vec2<T>& w, bool found, Vec3<T>* ray) {
    const bool seen = Lens::unproject(params + kLens, w, ray), exists = seen & found;  // && would be a branch
    *ray = {exists ? ray->x : T(NAN), exists ? ray->y : T(NAN), ray->z};
    return exists;
  }
};

using OneFocal = Intrinsics<1>;
using TwoFocals = Intrinsics<2>;
template <int N>
using Radial = Distortion<Polynomial<N>>;

using SimplePinhole = CameraModel<0, OneFocal, Perspective>;
using Pinhole = CameraModel<1, TwoFocals, Perspective>;
using SimpleRadial = CameraModel<2, OneFocal, Perspective, Radial<1>>;
using RadialCamera = CameraModel<3, OneFocal, Perspective, Radial<2>>;
using OpenCV = CameraModel<4, TwoFocals, Perspective, Distortion<Polynomial<2>, true>>;
using OpenCVFisheye = CameraModel<5, TwoFocals, Fisheye, Radial<4>>;
using FullOpenCV = CameraModel<6, TwoFocals, Perspective, Distortion<Rational, true>>;
using Fov = CameraModel<7, TwoFocals, FieldOfView>;
using SimpleRadialFisheye = CameraModel<8, OneFocal, Fisheye, Radial<1>>;
using RadialFisheye = CameraModel<9, OneFocal, Fisheye, Radial<2>>;
using ThinPrismFisheye = CameraModel<10, TwoFocals, Fisheye, Distortion<Polynomial<4>, true, true>>;
using RadTanThinPrismFisheye = CameraModel<11, TwoFocals, Fisheye, RadTanThinPrism>;
using SimpleDivision = CameraModel<12, OneFocal, Division>;
using DivisionCamera = CameraModel<13, TwoFocals, Division>;
using SimpleFisheye = CameraModel<14, OneFocal, Fisheye>;
using FisheyeCamera = CameraModel<15, TwoFocals, Fisheye>;
using Eucm = CameraModel<16, TwoFocals, EnhancedUnified>;
using EquirectangularCamera =
    CameraModel<17, Intrinsics<2, false>, Equirectangular>;  // width and height as focal lengths
using Bal = CameraModel<1000, Intrinsics<1, false>, Perspective, Radial<2>>;

template <class... Model>
struct ModelList {
  template <class F>
  static bool visit(int model_id, F&& f) {
    return ((model_id == Model::kId && (f(Model{}), true)) || ...);
  }
};
using Models = ModelList<SimplePinhole, Pinhole, SimpleRadial, RadialCamera, OpenCV, OpenCVFisheye, FullOpenCV, Fov,
                         SimpleRadialFisheye, RadialFisheye, ThinPrismFisheye, RadTanThinPrismFisheye, SimpleDivision,
                         DivisionCamera, SimpleFisheye, FisheyeCamera, Eucm, EquirectangularCamera, Bal>;

// Calls f(Model{}) with the model of this number; false where there is none.
template <class F>
bool with_model(int model_id, F&& f) {
  return Models::visit(model_id, f);
}

// The parameters in the precision that a kernel works in.
template <class Model, class T>
struct Params {
  T values[Model::kNumParams];

  explicit Params(const double* params) {
    FASTCV_UNROLL
    for (int i = 0; i < Model::kNumParams; ++i) values[i] = static_cast<T>(params[i]);
  }
};

}  // namespace fastcv::FASTCV_ISA
