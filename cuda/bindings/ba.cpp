// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.ba: what fastcv._core.ba.solve does, on a GPU. Problems are arrays of the host here too.
#include "bindings/ba_solve.h"
#include "cuda/ba/solve.h"

namespace fastcv::bindings {

void bind_ba(nb::module_& m) {
  bind_solve_types(m);
  m.def(
      "solve",
      [](nb::handle problem, const ba::Options& options, nb::handle callback, int device) {
        const auto solver = [device](const ba::Problem& p, const ba::Options& o, const ba::Callback& call) {
          return cuda::ba::solve(p, o, call, device);
        };
        return solve_with(solver, problem, options, callback);
      },
      nb::arg("problem"), nb::arg("options"), nb::arg("callback").none(), nb::arg("device"));
}

}  // namespace fastcv::bindings
