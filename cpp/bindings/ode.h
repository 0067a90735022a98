// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of the ode room share: a pass with its arrays checked once.
#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

#include "bindings/arrays.h"
#include "ode/pass.h"
#include "ode/threshold.h"

namespace fastcv::bindings {

using InputArg = nb::ndarray<nb::ro, nb::c_contig, Device>;
using OutputArg = nb::ndarray<nb::c_contig, Device>;

inline ode::Scalar scalar_of(nb::dlpack::dtype dtype) {
  const auto is = [dtype](nb::dlpack::dtype_code code, int bits) {
    return dtype.code == static_cast<std::uint8_t>(code) && dtype.bits == bits && dtype.lanes == 1;
  };
  if (is(nb::dlpack::dtype_code::Float, 64)) return ode::Scalar::float64;
  if (is(nb::dlpack::dtype_code::Float, 32)) return ode::Scalar::float32;
  if (is(nb::dlpack::dtype_code::Float, 16)) return ode::Scalar::float16;
  if (is(nb::dlpack::dtype_code::Bfloat, 16)) return ode::Scalar::bfloat16;
  throw nb::type_error("expected float64, float32, float16 or bfloat16");
}

// A pass whose arrays stay alive with it. Where `open` is a type, the first input is one of that type whose address
// each run gives anew.
class Step {
 public:
  Step(std::vector<InputArg> inputs, std::vector<std::optional<OutputArg>> outputs, std::optional<int> open,
       ViewArg<const double, 3> coefficients, std::int64_t samples, std::int64_t size, std::vector<double> clip,
       std::optional<ViewArg<const std::int64_t, 1>> sample_ids, std::uint32_t step,
       std::optional<ViewArg<double, 1>> norms, std::optional<ViewArg<double, 1>> partial, double absolute,
       double relative)
      : inputs_(std::move(inputs)),
        outputs_(std::move(outputs)),
        coefficients_(std::move(coefficients)),
        sample_ids_(std::move(sample_ids)),
        norms_(std::move(norms)),
        partial_(std::move(partial)),
        open_(open.has_value()) {
    pass_.samples = samples;
    pass_.size = size;
    if (open) pass_.input_types[pass_.num_inputs++] = static_cast<ode::Scalar>(*open);
    if (pass_.num_inputs + inputs_.size() > ode::kMostInputs || outputs_.size() > ode::kMostOutputs) {
      throw std::invalid_argument("too many arrays");
    }
    for (const InputArg& input : inputs_) {
      pass_.inputs[pass_.num_inputs] = input.data();
      pass_.input_types[pass_.num_inputs++] = scalar_of(input.dtype());
    }
    for (const auto& output : outputs_) {
      pass_.outputs[pass_.num_outputs] = output ? output->data() : nullptr;
      // One that is not stored decides nothing.
      pass_.output_types[pass_.num_outputs] = output ? scalar_of(output->dtype()) : ode::Scalar::float32;
      pass_.clip[pass_.num_outputs] = clip.at(pass_.num_outputs);
      ++pass_.num_outputs;
    }
    pass_.coefficients = coefficients_.data();
    pass_.rows = static_cast<std::int64_t>(coefficients_.shape(0));
    pass_.sample_ids = sample_ids_ ? sample_ids_->data() : nullptr;
    pass_.step = step;
    pass_.norms = norms_ ? norms_->data() : nullptr;
    pass_.partial = partial_ ? partial_->data() : nullptr;
    pass_.absolute = absolute;
    pass_.relative = relative;
  }

  ode::Pass pass(std::uintptr_t open, std::uint64_t seed) const {
    ode::Pass pass = pass_;
    pass.seed = seed;
    if (open_) pass.inputs[0] = reinterpret_cast<const void*>(open);
    return pass;
  }
  int device() const { return coefficients_.device_id(); }

 private:
  std::vector<InputArg> inputs_;
  std::vector<std::optional<OutputArg>> outputs_;
  ViewArg<const double, 3> coefficients_;
  std::optional<ViewArg<const std::int64_t, 1>> sample_ids_;
  std::optional<ViewArg<double, 1>> norms_, partial_;
  bool open_;
  ode::Pass pass_{};
};

inline auto bind_step(nb::module_& m) {
  return nb::class_<Step>(m, "Step").def(
      nb::init<std::vector<InputArg>, std::vector<std::optional<OutputArg>>, std::optional<int>,
               ViewArg<const double, 3>, std::int64_t, std::int64_t, std::vector<double>,
               std::optional<ViewArg<const std::int64_t, 1>>, std::uint32_t, std::optional<ViewArg<double, 1>>,
               std::optional<ViewArg<double, 1>>, double, double>(),
      array("inputs"), array("outputs"), nb::arg("open").none(), array("coefficients"), nb::arg("samples"),
      nb::arg("size"), nb::arg("clip"), nb::arg("sample_ids").noconvert().none(), nb::arg("step"),
      nb::arg("norms").noconvert().none(), nb::arg("partial").noconvert().none(), nb::arg("absolute"),
      nb::arg("relative"));
}

inline ode::Threshold threshold_from(const InputArg& input, const OutputArg& output, std::int64_t samples,
                                     std::int64_t size, double ratio, double maximum,
                                     const ViewArg<double, 1>& thresholds) {
  return {samples, size, input.data(), output.data(), scalar_of(input.dtype()), ratio, maximum, thresholds.data()};
}

}  // namespace fastcv::bindings
