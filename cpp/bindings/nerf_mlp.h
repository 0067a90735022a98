// SPDX-License-Identifier: Apache-2.0
// Arguments of networks: bfloat16, the layout, and arrays with tangents. Shared by the CPU and CUDA bindings.
#pragma once

#include "bindings/nerf.h"
#include "nerf/mlp.h"

namespace nanobind::detail {
template <>
struct dtype_traits<fastcv::Bfloat> {
  static constexpr dlpack::dtype value{static_cast<std::uint8_t>(dlpack::dtype_code::Bfloat), 16, 1};
  static constexpr auto name = const_name("bfloat16");
};
}  // namespace nanobind::detail

namespace fastcv::bindings {

// What fastcv.nerf.Mlp lays out: inputs, outputs, width, hidden layers, bias, activation, output activation.
using Network = HostNumbers<std::int64_t, 7>;
template <class T, int Rank>
using Optional = std::optional<ViewArg<T, Rank>>;

inline nerf::Mlp network_of(const Network& network) {
  const auto number = [&](int k) { return static_cast<int>(network.data()[k]); };
  return {number(0),
          number(1),
          number(2),
          number(3),
          number(4) != 0,
          static_cast<nerf::Activation>(number(5)),
          static_cast<nerf::Activation>(number(6))};
}

template <class Array>
auto data_of(const std::optional<Array>& array) {
  return array ? array->data() : nullptr;
}

template <class T>
nerf::MlpArrays<T> network_arrays(const ViewArg<const T, 1>& parameters, const ViewArg<const T, 2>& inputs,
                                  const Optional<const T, 1>& parameter_tangents,
                                  const Optional<const T, 2>& input_tangents) {
  return {inputs.data(), parameters.data(), data_of(input_tangents), data_of(parameter_tangents),
          static_cast<std::int64_t>(inputs.shape(0))};
}

void bind_nerf_mlp(nb::module_& m);

}  // namespace fastcv::bindings
