// SPDX-License-Identifier: Apache-2.0
// fastcv._core: one submodule per room, and what concerns the process as a whole.
#include "bindings/arrays.h"
#include "core/interrupt.h"
#include "core/isa.h"
#include "core/parallel.h"

namespace fastcv::bindings {

void bind_camera(nb::module_& m);

namespace {

// Runs Python's signal handlers; a KeyboardInterrupt that one of them raises unwinds the native call.
void check_signals() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

}  // namespace
}  // namespace fastcv::bindings

NB_MODULE(_core, m) {
  using namespace fastcv;
  set_interrupt_poll(bindings::check_signals);
  const Isa isa = active_isa();  // an unknown FASTCV_ISA fails the import
  m.def("isa", [isa] { return isa_name(isa); });
  m.def("num_threads", &default_num_threads);
  m.def("set_num_threads", &set_default_num_threads, nb::arg("num_threads"));

  const auto room = [&m](const char* name, void (*bind)(nb::module_&)) {
    nb::module_ submodule = m.def_submodule(name);
    bind(submodule);
  };
  room("camera", bindings::bind_camera);
}
