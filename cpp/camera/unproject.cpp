// SPDX-License-Identifier: Apache-2.0
// Splits the pixels over threads and calls the leaf for this processor.
#include "camera/unproject.h"

#include "camera/ranges.h"

#define FASTCV_LEAF "camera/unproject.leaf.h"
#include "core/leaf.h"

namespace fastcv::camera {
namespace {

template <class T>
bool unproject_range(int model_id, const double* params, Rows<const T, 2> pixels, Rows<T, 3> rays) {
  FASTCV_DISPATCH(camera::unproject(model_id, params, pixels, rays));
}

template <class T>
bool vjp_range(int model_id, const double* params, Rows<const T, 3> rays, Rows<const T, 3> grad_rays,
               Rows<T, 2> grad_pixels, double* sums) {
  FASTCV_DISPATCH(camera::unproject_vjp(model_id, params, rays, grad_rays, grad_pixels, sums));
}

}  // namespace

template <class T>
void unproject(int model_id, const double* params, Rows<const T, 2> pixels, Rows<T, 3> rays, int num_threads) {
  parallel_for(pixels.rows, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t n = end - begin;
    require_model(unproject_range<T>(model_id, params, {pixels[begin], n}, {rays[begin], n}), model_id);
  });
}

template <class T>
void unproject_vjp(int model_id, const double* params, Rows<const T, 3> rays, Rows<const T, 3> grad_rays,
                   Rows<T, 2> grad_pixels, View<double, 1> grad_params, int num_threads) {
  parallel_sums(rays.rows, num_threads, grad_params, [&](std::int64_t begin, std::int64_t end, double* sums) {
    const std::int64_t n = end - begin;
    require_model(
        vjp_range<T>(model_id, params, {rays[begin], n}, {grad_rays[begin], n}, {grad_pixels[begin], n}, sums),
        model_id);
  });
}

#define FASTCV_INSTANTIATE(T)                                                     \
  template void unproject(int, const double*, Rows<const T, 2>, Rows<T, 3>, int); \
  template void unproject_vjp(int, const double*, Rows<const T, 3>, Rows<const T, 3>, Rows<T, 2>, View<double, 1>, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::camera
