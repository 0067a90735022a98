// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda: the rooms of fastcv._core on a GPU. Imports without a driver; device_count() then says 0.
#include "bindings/signals.h"
#include "core/interrupt.h"
#include "cuda/bindings/arrays.h"

namespace fastcv::bindings {
void bind_ba(nb::module_& m);
void bind_camera(nb::module_& m);
void bind_geometry(nb::module_& m);
void bind_mvs(nb::module_& m);
void bind_nerf(nb::module_& m);
void bind_ode(nb::module_& m);
void bind_voxels(nb::module_& m);
}  // namespace fastcv::bindings

NB_MODULE(_cuda, m) {
  using namespace fastcv;
  set_interrupt_poll(bindings::check_signals);
  m.def("runtime_version", [] {
    int version = 0;
    cuda::check(cudaRuntimeGetVersion(&version), "cudaRuntimeGetVersion");
    return version;
  });
  m.def("driver_version", [] {
    int version = 0;
    cuda::check(cudaDriverGetVersion(&version), "cudaDriverGetVersion");
    return version;  // 0 without a driver
  });
  m.def("device_count", [] {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
  });
  m.def(
      "device_name",
      [](int device) {
        cudaDeviceProp properties;
        cuda::check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
        return std::string(properties.name);
      },
      nb::arg("device"));

  const auto room = [&m](const char* name, void (*bind)(nb::module_&)) {
    nb::module_ submodule = m.def_submodule(name);
    bind(submodule);
  };
  room("ba", bindings::bind_ba);
  room("camera", bindings::bind_camera);
  room("geometry", bindings::bind_geometry);
  room("mvs", bindings::bind_mvs);
  room("nerf", bindings::bind_nerf);
  room("ode", bindings::bind_ode);
  room("voxels", bindings::bind_voxels);
}
