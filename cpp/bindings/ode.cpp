// SPDX-License-Identifier: Apache-2.0
// fastcv._core.ode
#include "bindings/ode.h"

#include "ode/step.h"
#include "ode/threshold.h"

namespace fastcv::bindings {

void bind_ode(nb::module_& m) {
  bind_step(m).def(
      "run",
      [](const Step& step, std::uintptr_t open, std::uint64_t seed, int num_threads) {
        const nb::gil_scoped_release release;
        ode::step(step.pass(open, seed), num_threads);
      },
      nb::arg("open"), nb::arg("seed"), nb::arg("num_threads"));
  m.def(
      "dynamic_threshold",
      [](InputArg input, OutputArg output, std::int64_t samples, std::int64_t size, double ratio, double maximum,
         ViewArg<double, 1> thresholds, int num_threads) {
        const ode::Threshold work = threshold_from(input, output, samples, size, ratio, maximum, thresholds);
        const nb::gil_scoped_release release;
        ode::dynamic_threshold(work, num_threads);
      },
      array("input"), array("output"), nb::arg("samples"), nb::arg("size"), nb::arg("ratio"), nb::arg("maximum"),
      array("thresholds"), nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
