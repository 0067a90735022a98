// SPDX-License-Identifier: Apache-2.0
// fastcv._core.nerf: networks
#include "bindings/nerf_mlp.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind(nb::module_& m) {
  m.def(
      "mlp",
      [](const Network& network, const ViewArg<const T, 1>& parameters, const ViewArg<const T, 2>& inputs,
         const Optional<const T, 1>& parameter_tangents, const Optional<const T, 2>& input_tangents, ViewArg<T, 2> out,
         int num_threads) {
        const auto net = network_of(network);
        const auto arrays = network_arrays(parameters, inputs, parameter_tangents, input_tangents);
        const nb::gil_scoped_release release;
        nerf::mlp(net, arrays, out.data(), num_threads);
      },
      array("network"), array("parameters"), array("inputs"), array("parameter_tangents").none(),
      array("input_tangents").none(), array("out"), nb::arg("num_threads"));
  m.def(
      "mlp_vjp",
      [](const Network& network, const ViewArg<const T, 1>& parameters, const ViewArg<const T, 2>& inputs,
         const Optional<const T, 1>& parameter_tangents, const Optional<const T, 2>& input_tangents,
         ViewArg<const T, 2> grad, const Optional<T, 2>& by_inputs, const Optional<nerf::MlpReal<T>, 1>& by_parameters,
         int num_threads) {
        const auto net = network_of(network);
        const auto arrays = network_arrays(parameters, inputs, parameter_tangents, input_tangents);
        const nb::gil_scoped_release release;
        nerf::mlp_vjp(net, arrays, grad.data(), data_of(by_inputs), data_of(by_parameters), num_threads);
      },
      array("network"), array("parameters"), array("inputs"), array("parameter_tangents").none(),
      array("input_tangents").none(), array("grad"), array("by_inputs").none(), array("by_parameters").none(),
      nb::arg("num_threads"));
}

}  // namespace

void bind_nerf_mlp(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
  bind<Half>(m);
  bind<Bfloat>(m);
}

}  // namespace fastcv::bindings
