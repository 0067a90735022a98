// SPDX-License-Identifier: Apache-2.0
// fastcv._core.nerf: encodings without parameters.
#include "bindings/nerf_encodings.h"

namespace fastcv::bindings {
namespace {

template <class P>
void bind_frequency(nb::module_& m) {
  m.def(
      "frequency_encoding",
      [](const HostVector<double>& weights, bool include_input, ViewArg<const P, 2> points,
         const EncodingTangents<P>& tangents, ViewArg<P, 2> out, int num_threads) {
        const auto bands = frequency_bands<P>(weights, include_input, points);
        const auto rows = static_cast<std::int64_t>(points.shape(0));
        const nb::gil_scoped_release release;
        nerf::frequency_encoding(bands, points.data(), tangents_or_null<P>(tangents), rows, out.data(), num_threads);
      },
      array("weights"), nb::arg("include_input"), array("points"), array("tangents").none(), array("out"),
      nb::arg("num_threads"));
  m.def(
      "frequency_encoding_vjp",
      [](const HostVector<double>& weights, bool include_input, ViewArg<const P, 2> points,
         const EncodingTangents<P>& tangents, ViewArg<const P, 2> grad, ViewArg<P, 2> out, int num_threads) {
        const auto bands = frequency_bands<P>(weights, include_input, points);
        const auto rows = static_cast<std::int64_t>(points.shape(0));
        const nb::gil_scoped_release release;
        nerf::frequency_encoding_vjp(bands, points.data(), tangents_or_null<P>(tangents), rows, grad.data(), out.data(),
                                     num_threads);
      },
      array("weights"), nb::arg("include_input"), array("points"), array("tangents").none(), array("grad"),
      array("out"), nb::arg("num_threads"));
}

template <class P>
void bind_spherical_harmonics(nb::module_& m) {
  m.def(
      "spherical_harmonics",
      [](int degree, RowsArg<const P, 3> directions, const EncodingTangents<P>& tangents, ViewArg<P, 2> out,
         int num_threads) {
        const auto rows = static_cast<std::int64_t>(directions.shape(0));
        const nb::gil_scoped_release release;
        nerf::spherical_harmonics(degree, directions.data(), tangents_or_null<P>(tangents), rows, out.data(),
                                  num_threads);
      },
      nb::arg("degree"), array("directions"), array("tangents").none(), array("out"), nb::arg("num_threads"));
  m.def(
      "spherical_harmonics_vjp",
      [](int degree, RowsArg<const P, 3> directions, const EncodingTangents<P>& tangents, ViewArg<const P, 2> grad,
         RowsArg<P, 3> out, int num_threads) {
        const auto rows = static_cast<std::int64_t>(directions.shape(0));
        const nb::gil_scoped_release release;
        nerf::spherical_harmonics_vjp(degree, directions.data(), tangents_or_null<P>(tangents), rows, grad.data(),
                                      out.data(), num_threads);
      },
      nb::arg("degree"), array("directions"), array("tangents").none(), array("grad"), array("out"),
      nb::arg("num_threads"));
}

}  // namespace

void bind_nerf_encodings(nb::module_& m) {
  bind_frequency<float>(m);
  bind_frequency<double>(m);
  bind_spherical_harmonics<float>(m);
  bind_spherical_harmonics<double>(m);
}

}  // namespace fastcv::bindings
