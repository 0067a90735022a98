// SPDX-License-Identifier: Apache-2.0
// Unprojection loops, compiled once per instruction set.

// Partial redundancy elimination gives the points behind the camera a path of their own, and a loop with two paths is
// not vectorised: the Jacobians of the fisheye models take 3 to 4 times as long with it (GCC 12).
#pragma GCC optimize("no-tree-pre")
#include "camera/unproject.hd.h"
// The declarations come after what they mention.
#include "camera/unproject.leaf.h"
#include "core/elementwise.hd.h"

namespace fastcv::FASTCV_ISA::camera {

template <class T>
bool unproject(int model_id, const double* params, Rows<const T, 2> pixels, Rows<T, 3> rays) {
  return with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    const UnprojectOne<Model, T> one{Params<Model, T>(params), pixels, rays};
    if constexpr (Model::DistortionType::kNumParams == 0) {
      for (std::int64_t i = 0; i < pixels.rows; ++i) one(i);
    } else {
      constexpr int kLanes = 32;
      for (std::int64_t i = 0; i < pixels.rows; i += kLanes) {
        one.template in_lanes<kLanes>(i, static_cast<int>(pixels.rows - i < kLanes ? pixels.rows - i : kLanes));
      }
    }
  });
}

template <class T>
bool unproject_vjp(int model_id, const double* params, Rows<const T, 3> rays, Rows<const T, 3> grad_rays,
                   Rows<T, 2> grad_pixels, double* grad_params) {
  return with_model(model_id, [&](auto model) {
    using Model = decltype(model);
    run_in_lanes(UnprojectVjp<Model, T>{Params<Model, T>(params), rays, grad_rays, grad_pixels}, rays.rows,
                 grad_params);
  });
}

#define FASTCV_INSTANTIATE(T)                                                \
  template bool unproject(int, const double*, Rows<const T, 2>, Rows<T, 3>); \
  template bool unproject_vjp(int, const double*, Rows<const T, 3>, Rows<const T, 3>, Rows<T, 2>, double*);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::FASTCV_ISA::camera
