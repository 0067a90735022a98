// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.geometry: what fastcv._core.geometry has for arrays on a GPU, a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
#include "cuda/geometry/errors.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind_errors_for(nb::module_& m) {
  using PairsArg = RowsArg<const T, 2>;
  m.def(
      "sampson_errors",
      [](PairsArg points1, PairsArg points2, MatricesArg<const T> models, ViewArg<T, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points1.device_id());
        const nb::gil_scoped_release release;
        cuda::geometry::sampson_errors<T>(rows<2>(points1), rows<2>(points2), matrices(models), out.data(),
                                          stream_from(stream));
      },
      array("points1"), array("points2"), array("models"), array("out"), nb::arg("stream"));
  m.def(
      "sampson_scores",
      [](PairsArg points1, PairsArg points2, MatricesArg<const T> models, double threshold, RowsArg<double, 2> out,
         std::intptr_t stream) {
        const cuda::DeviceGuard guard(points1.device_id());
        const nb::gil_scoped_release release;
        cuda::geometry::sampson_scores<T>(rows<2>(points1), rows<2>(points2), matrices(models), threshold, rows<2>(out),
                                          stream_from(stream));
      },
      array("points1"), array("points2"), array("models"), nb::arg("threshold"), array("out"), nb::arg("stream"));
  m.def(
      "reprojection_scores",
      [](PairsArg points2D, RowsArg<const T, 3> points3D, PosesArg<const T> models, double threshold,
         RowsArg<double, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points2D.device_id());
        const nb::gil_scoped_release release;
        cuda::geometry::reprojection_scores<T>(rows<2>(points2D), rows<3>(points3D), poses(models), threshold,
                                               rows<2>(out), stream_from(stream));
      },
      array("points2D"), array("points3D"), array("models"), nb::arg("threshold"), array("out"), nb::arg("stream"));
}

}  // namespace

void bind_geometry(nb::module_& m) {
  bind_errors_for<float>(m);
  bind_errors_for<double>(m);
}

}  // namespace fastcv::bindings
