// SPDX-License-Identifier: Apache-2.0
// Projection of one point, with Jacobians and with gradients; the CPU loops and the CUDA kernels call exactly this.
#pragma once

#include "camera/models.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

template <class Model, class T>
struct ProjectOne {
  Params<Model, T> params;
  Rows<const T, 3> points;
  Rows<T, 2> pixels;

  FASTCV_HD void operator()(std::int64_t i) const {
    const T* p = points[i];
    const Vec2<T> pixel = Model::project(params.values, Vec3<T>{p[0], p[1], p[2]});
    pixels[i][0] = pixel.x;
    pixels[i][1] = pixel.y;
  }
};

template <class Model, class T>
struct ProjectJacobian {
  using Scalar = T;
  static constexpr int kNumParams = Model::kNumParams;
  static constexpr int kInputs = 3, kOutputs = 8 + 2 * kNumParams, kSums = 0;
  Params<Model, T> params;
  Rows<const T, 3> points;
  Rows<T, 2> pixels;
  Rows<T, 6> d_points;               // 2 x 3 each
  Rows<T, 2 * kNumParams> d_params;  // 2 x kNumParams each

  FASTCV_HD void load(std::int64_t i, T* in, int stride) const {
    FASTCV_UNROLL
    for (int k = 0; k < 3; ++k) in[k * stride] = points[i][k];
  }
  FASTCV_HD void compute(const T* in, T* out, double*, int stride) const {
    T d_point[6], d_param[2 * kNumParams];
    const Vec2<T> pixel =
        Model::project_jacobian(params.values, Vec3<T>{in[0], in[stride], in[2 * stride]}, d_point, d_param);
    out[0] = pixel.x;
    out[stride] = pixel.y;
    FASTCV_UNROLL
    for (int k = 0; k < 6; ++k) out[(2 + k) * stride] = d_point[k];
    FASTCV_UNROLL
    for (int k = 0; k < 2 * kNumParams; ++k) out[(8 + k) * stride] = d_param[k];
  }
  FASTCV_HD void store(std::int64_t i, const T* out, int stride) const {
    FASTCV_UNROLL
    for (int k = 0; k < 2; ++k) pixels[i][k] = out[k * stride];
    FASTCV_UNROLL
    for (int k = 0; k < 6; ++k) d_points[i][k] = out[(2 + k) * stride];
    FASTCV_UNROLL
    for (int k = 0; k < 2 * kNumParams; ++k) d_params[i][k] = out[(8 + k) * stride];
  }
};

// Gradients of a function of the pixels by the points, and by the parameters as sums over the points. A point without
// an image adds nothing.
template <class Model, class T>
struct ProjectVjp {
  using Scalar = T;
  static constexpr int kNumParams = Model::kNumParams;
  static constexpr int kInputs = 5, kOutputs = 3, kSums = kNumParams;
  Params<Model, T> params;
  Rows<const T, 3> points;
  Rows<const T, 2> grad_pixels;
  Rows<T, 3> grad_points;

  FASTCV_HD void load(std::int64_t i, T* in, int stride) const {
    FASTCV_UNROLL
    for (int k = 0; k < 3; ++k) in[k * stride] = points[i][k];
    FASTCV_UNROLL
    for (int k = 0; k < 2; ++k) in[(3 + k) * stride] = grad_pixels[i][k];
  }
  FASTCV_HD void compute(const T* in, T* out, double* sums, int stride) const {
    const T gx = in[3 * stride], gy = in[4 * stride];
    T d_point[6], d_param[2 * kNumParams];
    const Vec2<T> pixel =
        Model::project_jacobian(params.values, Vec3<T>{in[0], in[stride], in[2 * stride]}, d_point, d_param);
    const bool seen = (pixel.x == pixel.x) & (pixel.y == pixel.y);
    FASTCV_UNROLL
    for (int k = 0; k < 3; ++k) {
      const T grad = gx * d_point[k] + gy * d_point[3 + k];
      out[k * stride] = seen ? grad : T(0);
    }
    FASTCV_UNROLL
    for (int k = 0; k < kNumParams; ++k) {
      const T grad = gx * d_param[k] + gy * d_param[kNumParams + k];
      sums[k * stride] += static_cast<double>(seen ? grad : T(0));
    }
  }
  FASTCV_HD void store(std::int64_t i, const T* out, int stride) const {
    FASTCV_UNROLL
    for (int k = 0; k < 3; ++k) grad_points[i][k] = out[k * stride];
  }
};

}  // namespace fastcv::FASTCV_ISA
