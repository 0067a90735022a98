// SPDX-License-Identifier: Apache-2.0
// fastcv._core.voxels: soft carving and its gradient, in single and double precision.
#include "bindings/voxels_soft.h"

#include "voxels/carve_soft.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind(nb::module_& m) {
  m.def(
      "carve_soft",
      [](FASTCV_SOFT_CARVING_PARAMETERS(T), ViewArg<T, 3> out, int num_threads) {
        const auto carving = soft_carving_from<T>(FASTCV_SOFT_CARVING_VALUES);
        const nb::gil_scoped_release release;
        voxels::carve_soft(carving, out.data(), num_threads);
      },
      FASTCV_SOFT_CARVING_ARGS, array("out"), nb::arg("num_threads"));
  m.def(
      "carve_soft_vjp",
      [](FASTCV_SOFT_CARVING_PARAMETERS(T), ViewArg<const T, 3> grad, ViewArg<T, 3> weights, ViewArg<T, 1> out,
         int num_threads) {
        const auto carving = soft_carving_from<T>(FASTCV_SOFT_CARVING_VALUES);
        const nb::gil_scoped_release release;
        voxels::carve_soft_vjp(carving, grad.data(), weights.data(), out.data(), num_threads);
      },
      FASTCV_SOFT_CARVING_ARGS, array("grad"), array("weights"), array("out"), nb::arg("num_threads"));
}

}  // namespace

void bind_voxels_soft(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace fastcv::bindings
