// SPDX-License-Identifier: Apache-2.0
// The bindings of Adam, for the CPU and for CUDA: `Run` as in nerf_render.h.
#pragma once

#include <optional>

#include <nanobind/stl/optional.h>

#include "bindings/arrays.h"
#include "nerf/adam.h"

namespace fastcv::bindings {

// Arrays of any of the three types, flat.
using Stored = nb::ndarray<nb::ndim<1>, nb::c_contig, Device>;

// Python has checked that the type is one of the three.
inline nerf::Storage storage_of(const Stored& array) {
  if (array.dtype().bits == 32) return nerf::Storage::float32;
  const bool bfloat = array.dtype().code == static_cast<std::uint8_t>(nb::dlpack::dtype_code::Bfloat);
  return bfloat ? nerf::Storage::bfloat16 : nerf::Storage::float16;
}

template <class Run>
void bind_adam(nb::module_& m) {
  using Numbers = ViewArg<float, 1>;
  using OneNumber = std::optional<ViewArg<const float, 1>>;
  m.def(
      "adam_step",
      [](Numbers parameters, Stored gradients, Numbers first, Numbers second, Numbers step, std::optional<Stored> copy,
         OneNumber rate_there, OneNumber scale, OneNumber found_inf, std::int64_t width, bool skip_untouched,
         bool zero_gradients, double rate, double beta1, double beta2, double eps, double decay,
         typename Run::Execution execution) {
        const typename Run::Guard guard(parameters.device_id());
        const auto number = [](const OneNumber& array) { return array ? array->data() : nullptr; };
        const nerf::AdamStep adam{parameters.data(),
                                  first.data(),
                                  second.data(),
                                  gradients.data(),
                                  storage_of(gradients),
                                  copy ? copy->data() : nullptr,
                                  copy ? storage_of(*copy) : nerf::Storage::float32,
                                  static_cast<std::int64_t>(parameters.shape(0)) / width,
                                  width,
                                  skip_untouched,
                                  zero_gradients,
                                  rate,
                                  beta1,
                                  beta2,
                                  eps,
                                  decay,
                                  number(rate_there),
                                  number(scale),
                                  number(found_inf),
                                  step.data()};
        const nb::gil_scoped_release release;
        Run::adam_step(adam, Run::on(execution));
      },
      array("parameters"), array("gradients"), array("first_moments"), array("second_moments"), array("step"),
      array("copy").none(), array("rate_there").none(), array("scale").none(), array("found_inf").none(),
      nb::arg("width"), nb::arg("skip_untouched"), nb::arg("zero_gradients"), nb::arg("rate"), nb::arg("beta1"),
      nb::arg("beta2"), nb::arg("eps"), nb::arg("decay"), nb::arg(Run::kExecution));
  m.def(
      "mark_nonfinite",
      [](Stored values, Numbers found, typename Run::Execution execution) {
        const typename Run::Guard guard(values.device_id());
        const nerf::Storage type = storage_of(values);
        const auto count = static_cast<std::int64_t>(values.shape(0));
        const nb::gil_scoped_release release;
        Run::mark_nonfinite(values.data(), type, count, found.data(), Run::on(execution));
      },
      array("values"), array("found"), nb::arg(Run::kExecution));
}

}  // namespace fastcv::bindings
