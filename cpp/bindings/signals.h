// SPDX-License-Identifier: Apache-2.0
// How native code asks Python whether Ctrl-C was pressed. Shared by the modules that poll.
#pragma once

#include <nanobind/nanobind.h>

namespace fastcv::bindings {

// Runs Python's signal handlers; a KeyboardInterrupt that one of them raises unwinds the native call.
inline void check_signals() {
  const nanobind::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
}

}  // namespace fastcv::bindings
