// SPDX-License-Identifier: Apache-2.0
// fastcv._ceres: bundle adjustment by Ceres, in a module of its own.
#include "ba/ceres/version.h"
#include "bindings/ba_solve.h"
#include "bindings/signals.h"
#include "core/interrupt.h"

NB_MODULE(_ceres, m) {
  using namespace fastcv;
  set_interrupt_poll(bindings::check_signals);
  m.def("version", &ba::ceres_version);
  bindings::bind_solve_types(m);
  bindings::bind_solve(m, "solve", &ba::solve_with_ceres);
}
