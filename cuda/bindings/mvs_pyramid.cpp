// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.mvs: image pyramids, a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
#include "cuda/mvs/pyramid.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind_halve_image(nb::module_& m) {
  m.def(
      "halve_image",
      [](ViewArg<const T, 3> image, ViewArg<T, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(image.device_id());
        cuda::mvs::halve_image<T>(view<3>(image), view<3>(out), stream_from(stream));
      },
      array("image"), array("out"), nb::arg("stream"));
}

}  // namespace

void bind_mvs_pyramid(nb::module_& m) {
  bind_halve_image<std::uint8_t>(m);
  bind_halve_image<std::uint16_t>(m);
  bind_halve_image<float>(m);
  m.def(
      "halve_mask",
      [](ViewArg<const std::uint8_t, 2> mask, ViewArg<std::uint8_t, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(mask.device_id());
        cuda::mvs::halve_mask(view<2>(mask), view<2>(out), stream_from(stream));
      },
      array("mask"), array("out"), nb::arg("stream"));
  m.def(
      "median",
      [](ViewArg<const float, 2> image, ViewArg<float, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(image.device_id());
        cuda::mvs::median(view<2>(image), view<2>(out), stream_from(stream));
      },
      array("image"), array("out"), nb::arg("stream"));
  m.def(
      "extremes",
      [](ViewArg<const float, 2> image, ViewArg<float, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(image.device_id());
        cuda::mvs::extremes(view<2>(image), view<3>(out), stream_from(stream));
      },
      array("image"), array("out"), nb::arg("stream"));
  m.def(
      "local_ranges",
      [](ViewArg<const float, 3> coarse, float step, std::int32_t first, std::int32_t last, std::int32_t num,
         ViewArg<float, 4> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(coarse.device_id());
        cuda::mvs::local_ranges(view<3>(coarse), {step, first, last, num}, view<4>(out), stream_from(stream));
      },
      array("coarse"), nb::arg("step"), nb::arg("first"), nb::arg("last"), nb::arg("num"), array("out"),
      nb::arg("stream"));
}

}  // namespace fastcv::bindings
