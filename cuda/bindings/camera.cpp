// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.camera: the names and arguments of fastcv._core.camera, a stream in place of num_threads.
#include "cuda/camera/project.h"

#include "cuda/bindings/arrays.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind_for(nb::module_& m) {
  m.def(
      "project",
      [](int model_id, HostVector<double> params, RowsArg<const T, 3> points, RowsArg<T, 2> out, std::intptr_t stream) {
        const auto p = rows<3>(points);
        const auto o = rows<2>(out);
        const cuda::DeviceGuard guard(points.device_id());
        const nb::gil_scoped_release release;
        cuda::camera::project<T>(model_id, params.data(), p, o, stream_from(stream));
      },
      nb::arg("model_id"), array("params"), array("points"), array("out"), nb::arg("stream"));
}

}  // namespace

void bind_camera(nb::module_& m) {
  bind_for<float>(m);
  bind_for<double>(m);
}

}  // namespace fastcv::bindings
