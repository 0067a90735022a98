// SPDX-License-Identifier: Apache-2.0
// fastcv._core.mvs: image pyramids.
#include "bindings/arrays.h"
#include "mvs/pyramid.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind_halve_image(nb::module_& m) {
  m.def(
      "halve_image",
      [](ViewArg<const T, 3> image, ViewArg<T, 3> out, int num_threads) {
        const auto i = view<3>(image);
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::halve_image<T>(i, o, num_threads);
      },
      array("image"), array("out"), nb::arg("num_threads"));
}

}  // namespace

void bind_mvs_pyramid(nb::module_& m) {
  bind_halve_image<std::uint8_t>(m);
  bind_halve_image<std::uint16_t>(m);
  bind_halve_image<float>(m);
  m.def(
      "halve_mask",
      [](ViewArg<const std::uint8_t, 2> mask, ViewArg<std::uint8_t, 2> out, int num_threads) {
        const auto i = view<2>(mask);
        const auto o = view<2>(out);
        const nb::gil_scoped_release release;
        mvs::halve_mask(i, o, num_threads);
      },
      array("mask"), array("out"), nb::arg("num_threads"));
  m.def(
      "median",
      [](ViewArg<const float, 2> image, ViewArg<float, 2> out, int num_threads) {
        const auto i = view<2>(image);
        const auto o = view<2>(out);
        const nb::gil_scoped_release release;
        mvs::median(i, o, num_threads);
      },
      array("image"), array("out"), nb::arg("num_threads"));
  m.def(
      "extremes",
      [](ViewArg<const float, 2> image, ViewArg<float, 3> out, int num_threads) {
        const auto i = view<2>(image);
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::extremes(i, o, num_threads);
      },
      array("image"), array("out"), nb::arg("num_threads"));
  m.def(
      "local_ranges",
      [](ViewArg<const float, 3> coarse, float step, std::int32_t first, std::int32_t last, std::int32_t num,
         ViewArg<float, 4> out, int num_threads) {
        const auto c = view<3>(coarse);
        const auto o = view<4>(out);
        const nb::gil_scoped_release release;
        mvs::local_ranges(c, {step, first, last, num}, o, num_threads);
      },
      array("coarse"), nb::arg("step"), nb::arg("first"), nb::arg("last"), nb::arg("num"), array("out"),
      nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
