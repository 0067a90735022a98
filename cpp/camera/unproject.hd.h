// SPDX-License-Identifier: Apache-2.0
// The ray of one pixel, and gradients through it.
#pragma once

#include "camera/models.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

template <class Model, class T>
struct UnprojectOne {
  Params<Model, T> params;
  Rows<const T, 2> pixels;
  Rows<T, 3> rays;

  FASTCV_HD void operator()(std::int64_t i) const {
    Vec3<T> ray;
    Model::unproject(params.values, Vec2<T>{pixels[i][0], pixels[i][1]}, &ray);
    store(i, ray);
  }

  // The same for kLanes pixels from `begin` on, of which `count` exist: their searches run side by side.
  template <int kLanes>
  FASTCV_HD void in_lanes(std::int64_t begin, int count) const {
    using Distortion = typename Model::DistortionType;
    using Search = Undistort<Distortion, T>;
    static_assert(!Model::kSpherical, "lanes carry x and y of a ray only");
    const T* k = params.values + Model::kDistortion;
    T lanes[9][kLanes];
    const auto get = [&](int l) {
      return Search{{lanes[0][l], lanes[1][l]},
                    {lanes[2][l], lanes[3][l]},
                    {lanes[4][l], lanes[5][l]},
                    lanes[6][l],
                    lanes[7][l],
                    lanes[8][l]};
    };
    const auto set = [&](int l, const Search& s) {
      const T values[9] = {s.target.x, s.target.y,  s.w.x,   s.w.y,          s.inside.x,
                           s.inside.y, s.searching, s.found, s.inside_error2};
      FASTCV_UNROLL
      for (int i = 0; i < 9; ++i) lanes[i][l] = values[i];
    };
    for (int l = 0; l < kLanes; ++l) {
      const T* pixel = pixels[begin + (l < count ? l : count - 1)];
      set(l, Search::start(Model::image_coordinates(params.values, Vec2<T>{pixel[0], pixel[1]})));
    }
    for (int step = 0; step < Search::kMaxSteps; ++step) {
      for (int l = 0; l < kLanes; ++l) {
        Search search = get(l);
        search.step(k);
        set(l, search);
      }
      bool any = false;
      for (int l = 0; l < kLanes; ++l) any |= lanes[6][l] > T(0);
      if (!any) break;
    }
    for (int check = 0; check < Search::kPathChecks; ++check) {
      for (int l = 0; l < kLanes; ++l) {
        Search search = get(l);
        search.check_path(k, check);
        lanes[7][l] = search.found;
      }
    }
    for (int l = 0; l < kLanes; ++l) {
      Vec3<T> ray;
      Model::ray_from(params.values, Vec2<T>{lanes[2][l], lanes[3][l]}, lanes[7][l] > T(0), &ray);
      lanes[2][l] = ray.x;
      lanes[3][l] = ray.y;
    }
    for (int l = 0; l < count; ++l) store(begin + l, Vec3<T>{lanes[2][l], lanes[3][l], T(1)});
  }

 private:
  FASTCV_HD void store(std::int64_t i, const Vec3<T>& ray) const {
    rays[i][0] = ray.x;
    rays[i][1] = ray.y;
    rays[i][2] = ray.z;
  }
};

// The ray solves project(ray, params) = pixel, so by the implicit function theorem J d(ray) = d(pixel) - K d(params)
// with J, K the projection's Jacobians. A ray (x, y, 1) keeps its z, which leaves the left 2 x 2 block of J; a unit ray
// moves across itself, d(ray) = Jᵀ (J Jᵀ)⁻¹ (…). A pixel without a ray adds nothing.
template <class Model, class T>
struct UnprojectVjp {
  using Scalar = T;
  static constexpr int kNumParams = Model::kNumParams;
  static constexpr int kFree = Model::kSpherical ? 3 : 2;  // values of a ray that vary
  static constexpr int kInputs = 2 * kFree, kOutputs = 2, kSums = kNumParams;
  Params<Model, T> params;
  Rows<const T, 3> rays, grad_rays;
  Rows<T, 2> grad_pixels;

  FASTCV_HD void load(std::int64_t i, T* in, int stride) const {
    FASTCV_UNROLL
    for (int k = 0; k < kFree; ++k) in[k * stride] = rays[i][k];
    FASTCV_UNROLL
    for (int k = 0; k < kFree; ++k) in[(kFree + k) * stride] = grad_rays[i][k];
  }
  FASTCV_HD void compute(const T* in, T* out, double* sums, int stride) const {
    const Vec3<T> ray{in[0], in[stride], Model::kSpherical ? in[(kFree - 1) * stride] : T(1)};
    T j[6], d_param[2 * kNumParams];
    Model::project_jacobian(params.values, ray, j, d_param);
    const bool seen = ray.x == ray.x;
    T gx, gy;
    if constexpr (Model::kSpherical) {
      const T* g = in + kFree * stride;
      const T a = j[0] * j[0] + j[1] * j[1] + j[2] * j[2], b = j[0] * j[3] + j[1] * j[4] + j[2] * j[5];
      const T c = j[3] * j[3] + j[4] * j[4] + j[5] * j[5], det = a * c - b * b;
      const T h0 = j[0] * g[0] + j[1] * g[stride] + j[2] * g[2 * stride];
      const T h1 = j[3] * g[0] + j[4] * g[stride] + j[5] * g[2 * stride];
      gx = (c * h0 - b * h1) / det;
      gy = (a * h1 - b * h0) / det;
    } else {
      const T g0 = in[2 * stride], g1 = in[3 * stride], det = j[0] * j[4] - j[1] * j[3];
      gx = (j[4] * g0 - j[3] * g1) / det;
      gy = (j[0] * g1 - j[1] * g0) / det;
    }
    out[0] = seen ? gx : T(0);
    out[stride] = seen ? gy : T(0);
    FASTCV_UNROLL
    for (int k = 0; k < kNumParams; ++k) {
      const T grad = gx * d_param[k] + gy * d_param[kNumParams + k];
      sums[k * stride] -= static_cast<double>(seen ? grad : T(0));
    }
  }
  FASTCV_HD void store(std::int64_t i, const T* out, int stride) const {
    FASTCV_UNROLL
    for (int k = 0; k < 2; ++k) grad_pixels[i][k] = out[k * stride];
  }
};

}  // namespace fastcv::FASTCV_ISA
