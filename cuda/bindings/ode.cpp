// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.ode: the names and arguments of fastcv._core.ode, a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
// The array types come first.
#include "bindings/ode.h"
#include "cuda/ode/step.h"
#include "cuda/ode/threshold.h"

namespace fastcv::bindings {

void bind_ode(nb::module_& m) {
  bind_step(m).def(
      "run",
      [](const Step& step, std::uintptr_t open, std::uint64_t seed, std::intptr_t stream) {
        const cuda::DeviceGuard guard(step.device());
        cuda::ode::step(step.pass(open, seed), stream_from(stream));
      },
      nb::arg("open"), nb::arg("seed"), nb::arg("stream"));
  m.def(
      "dynamic_threshold",
      [](InputArg input, OutputArg output, std::int64_t samples, std::int64_t size, double ratio, double maximum,
         ViewArg<double, 1> thresholds, std::intptr_t stream) {
        const cuda::DeviceGuard guard(thresholds.device_id());
        cuda::ode::dynamic_threshold(threshold_from(input, output, samples, size, ratio, maximum, thresholds),
                                     stream_from(stream));
      },
      array("input"), array("output"), nb::arg("samples"), nb::arg("size"), nb::arg("ratio"), nb::arg("maximum"),
      array("thresholds"), nb::arg("stream"));
}

}  // namespace fastcv::bindings
