// SPDX-License-Identifier: Apache-2.0
// fastcv._core.nerf: Adam.
#include "bindings/nerf_adam.h"

namespace fastcv::bindings {
namespace {

struct Cpu {
  using Execution = int;
  static constexpr const char* kExecution = "num_threads";
  static int on(int num_threads) { return num_threads; }
  struct Guard {
    explicit Guard(int /*device*/) {}
  };
  static constexpr auto adam_step = nerf::adam_step;
  static constexpr auto mark_nonfinite = nerf::mark_nonfinite;
};

}  // namespace

void bind_nerf_adam(nb::module_& m) { bind_adam<Cpu>(m); }

}  // namespace fastcv::bindings
