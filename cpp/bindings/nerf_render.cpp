// SPDX-License-Identifier: Apache-2.0
// fastcv._core.nerf: volume rendering.
#include "bindings/nerf_render.h"

namespace fastcv::bindings {
namespace {

struct Cpu {
  using Execution = int;
  static constexpr const char* kExecution = "num_threads";
  static int on(int num_threads) { return num_threads; }
  struct Guard {
    explicit Guard(int /*device*/) {}
  };
  template <class T>
  static constexpr auto render = nerf::render<T>;
  template <class T>
  static constexpr auto render_vjp = nerf::render_vjp<T>;
  template <class T>
  static constexpr auto distortion = nerf::distortion<T>;
  template <class T>
  static constexpr auto distortion_vjp = nerf::distortion_vjp<T>;
  template <class T>
  static constexpr auto median_depth = nerf::median_depth<T>;
  static constexpr auto random_background = nerf::random_background;
};

}  // namespace

void bind_nerf_render(nb::module_& m) { bind_all_render<Cpu>(m); }

}  // namespace fastcv::bindings
