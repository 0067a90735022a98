// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.nerf: encodings without parameters; a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/nerf_encodings.h"
#include "cuda/nerf/frequency.h"
#include "cuda/nerf/spherical_harmonics.h"

namespace fastcv::bindings {
namespace {

template <class P>
void bind_frequency(nb::module_& m) {
  m.def(
      "frequency_encoding",
      [](const HostVector<double>& weights, bool include_input, ViewArg<const P, 2> points,
         const EncodingTangents<P>& tangents, ViewArg<P, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const auto bands = frequency_bands<P>(weights, include_input, points);
        const auto rows = static_cast<std::int64_t>(points.shape(0));
        const nb::gil_scoped_release release;
        cuda::nerf::frequency_encoding(bands, points.data(), tangents_or_null<P>(tangents), rows, out.data(),
                                       stream_from(stream));
      },
      array("weights"), nb::arg("include_input"), array("points"), array("tangents").none(), array("out"),
      nb::arg("stream"));
  m.def(
      "frequency_encoding_vjp",
      [](const HostVector<double>& weights, bool include_input, ViewArg<const P, 2> points,
         const EncodingTangents<P>& tangents, ViewArg<const P, 2> grad, ViewArg<P, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        const auto bands = frequency_bands<P>(weights, include_input, points);
        const auto rows = static_cast<std::int64_t>(points.shape(0));
        const nb::gil_scoped_release release;
        cuda::nerf::frequency_encoding_vjp(bands, points.data(), tangents_or_null<P>(tangents), rows, grad.data(),
                                           out.data(), stream_from(stream));
      },
      array("weights"), nb::arg("include_input"), array("points"), array("tangents").none(), array("grad"),
      array("out"), nb::arg("stream"));
}

template <class P>
void bind_spherical_harmonics(nb::module_& m) {
  m.def(
      "spherical_harmonics",
      [](int degree, RowsArg<const P, 3> directions, const EncodingTangents<P>& tangents, ViewArg<P, 2> out,
         std::intptr_t stream) {
        const cuda::DeviceGuard guard(directions.device_id());
        const auto rows = static_cast<std::int64_t>(directions.shape(0));
        const nb::gil_scoped_release release;
        cuda::nerf::spherical_harmonics(degree, directions.data(), tangents_or_null<P>(tangents), rows, out.data(),
                                        stream_from(stream));
      },
      nb::arg("degree"), array("directions"), array("tangents").none(), array("out"), nb::arg("stream"));
  m.def(
      "spherical_harmonics_vjp",
      [](int degree, RowsArg<const P, 3> directions, const EncodingTangents<P>& tangents, ViewArg<const P, 2> grad,
         RowsArg<P, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(directions.device_id());
        const auto rows = static_cast<std::int64_t>(directions.shape(0));
        const nb::gil_scoped_release release;
        cuda::nerf::spherical_harmonics_vjp(degree, directions.data(), tangents_or_null<P>(tangents), rows, grad.data(),
                                            out.data(), stream_from(stream));
      },
      nb::arg("degree"), array("directions"), array("tangents").none(), array("grad"), array("out"), nb::arg("stream"));
}

}  // namespace

void bind_nerf_encodings(nb::module_& m) {
  bind_frequency<float>(m);
  bind_frequency<double>(m);
  bind_spherical_harmonics<float>(m);
  bind_spherical_harmonics<double>(m);
}

}  // namespace fastcv::bindings
