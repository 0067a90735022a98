// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.nerf: volume rendering.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/nerf_render.h"
#include "cuda/nerf/render.h"

namespace fastcv::bindings {
namespace {

struct Gpu {
  using Guard = cuda::DeviceGuard;
  using Execution = std::intptr_t;
  static constexpr const char* kExecution = "stream";
  static cudaStream_t on(std::intptr_t stream) { return stream_from(stream); }
  template <class T>
  static constexpr auto render = cuda::nerf::render<T>;
  template <class T>
  static constexpr auto render_vjp = cuda::nerf::render_vjp<T>;
  template <class T>
  static constexpr auto distortion = cuda::nerf::distortion<T>;
  template <class T>
  static constexpr auto distortion_vjp = cuda::nerf::distortion_vjp<T>;
  template <class T>
  static constexpr auto median_depth = cuda::nerf::median_depth<T>;
  static constexpr auto random_background = cuda::nerf::random_background;
};

}  // namespace

void bind_nerf_render(nb::module_& m) { bind_all_render<Gpu>(m); }

}  // namespace fastcv::bindings
