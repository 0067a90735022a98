// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.voxels: soft carving and its gradient, in single and double precision.
#include "cuda/voxels/carve_soft.h"

#include "cuda/bindings/arrays.h"
// The array types come first.
#include "bindings/voxels_soft.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind(nb::module_& m) {
  m.def(
      "carve_soft",
      [](FASTCV_SOFT_CARVING_PARAMETERS(T), ViewArg<T, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(out.device_id());
        cuda::voxels::carve_soft(soft_carving_from<T>(FASTCV_SOFT_CARVING_VALUES), out.data(), stream_from(stream));
      },
      FASTCV_SOFT_CARVING_ARGS, array("out"), nb::arg("stream"));
  m.def(
      "carve_soft_vjp",
      [](FASTCV_SOFT_CARVING_PARAMETERS(T), ViewArg<const T, 3> grad, ViewArg<T, 3> weights, ViewArg<T, 1> out,
         std::intptr_t stream) {
        const cuda::DeviceGuard guard(out.device_id());
        cuda::voxels::carve_soft_vjp(soft_carving_from<T>(FASTCV_SOFT_CARVING_VALUES), grad.data(), weights.data(),
                                     view<1>(out), stream_from(stream));
      },
      FASTCV_SOFT_CARVING_ARGS, array("grad"), array("weights"), array("out"), nb::arg("stream"));
}

}  // namespace

void bind_voxels_soft(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace fastcv::bindings
