// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.nerf: Adam.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/nerf_adam.h"
#include "cuda/nerf/adam.h"

namespace fastcv::bindings {
namespace {

struct Gpu {
  using Guard = cuda::DeviceGuard;
  using Execution = std::intptr_t;
  static constexpr const char* kExecution = "stream";
  static cudaStream_t on(std::intptr_t stream) { return stream_from(stream); }
  static constexpr auto adam_step = cuda::nerf::adam_step;
  static constexpr auto mark_nonfinite = cuda::nerf::mark_nonfinite;
};

}  // namespace

void bind_nerf_adam(nb::module_& m) { bind_adam<Gpu>(m); }

}  // namespace fastcv::bindings
