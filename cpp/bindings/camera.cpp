// SPDX-License-Identifier: Apache-2.0
// fastcv._core.camera
#include "camera/project.h"

#include "bindings/arrays.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind_for(nb::module_& m) {
  m.def(
      "project",
      [](int model_id, HostVector<double> params, RowsArg<const T, 3> points, RowsArg<T, 2> out, int num_threads) {
        const auto p = rows<3>(points);
        const auto o = rows<2>(out);
        const nb::gil_scoped_release release;
        camera::project<T>(model_id, params.data(), p, o, num_threads);
      },
      nb::arg("model_id"), array("params"), array("points"), array("out"), nb::arg("num_threads"));
}

}  // namespace

void bind_camera(nb::module_& m) {
  bind_for<float>(m);
  bind_for<double>(m);
}

}  // namespace fastcv::bindings
