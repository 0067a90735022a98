// SPDX-License-Identifier: Apache-2.0
// fastcv._core: one submodule per room, and what concerns the process as a whole.
#include "bindings/arrays.h"
#include "bindings/signals.h"
#include "core/interrupt.h"
#include "core/isa.h"
#include "core/parallel.h"

namespace fastcv::bindings {

void bind_ba(nb::module_& m);
void bind_camera(nb::module_& m);
void bind_geometry(nb::module_& m);
void bind_meshes(nb::module_& m);
void bind_mvs(nb::module_& m);
void bind_nerf(nb::module_& m);
void bind_ode(nb::module_& m);
void bind_voxels(nb::module_& m);

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
  room("ba", bindings::bind_ba);
  room("camera", bindings::bind_camera);
  room("geometry", bindings::bind_geometry);
  room("meshes", bindings::bind_meshes);
  room("mvs", bindings::bind_mvs);
  room("nerf", bindings::bind_nerf);
  room("ode", bindings::bind_ode);
  room("voxels", bindings::bind_voxels);
}
