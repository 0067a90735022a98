// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.mvs: what is done to volumes of costs, a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/mvs.h"
#include "cuda/mvs/guided_costs.h"
#include "cuda/mvs/soft_argmin.h"

namespace fastcv::bindings {
namespace {

mvs::SoftCosts soft_costs(const ViewArg<const float, 3>& costs, const HostMatrix<float, 3>& planes,
                          const Bounds& bounds, float sharpness) {
  return {view<3>(costs), hypotheses_from(planes, bounds), sharpness};
}

}  // namespace

void bind_mvs_volumes(nb::module_& m) {
  m.def(
      "soft_argmin",
      [](ViewArg<const float, 3> costs, HostMatrix<float, 3> planes, const Bounds& bounds, float sharpness,
         ViewArg<float, 2> depth, ViewArg<float, 2> uncertainty, std::intptr_t stream) {
        const auto s = soft_costs(costs, planes, bounds, sharpness);
        const cuda::DeviceGuard guard(costs.device_id());
        cuda::mvs::soft_argmin(s, {view<2>(depth), view<2>(uncertainty)}, stream_from(stream));
      },
      array("costs"), array("planes"), array("bounds").none(), nb::arg("sharpness"), array("depth"),
      array("uncertainty"), nb::arg("stream"));
  m.def(
      "soft_argmin_vjp",
      [](ViewArg<const float, 3> costs, HostMatrix<float, 3> planes, const Bounds& bounds, float sharpness,
         ViewArg<const float, 2> grad_depth, ViewArg<const float, 2> grad_uncertainty, ViewArg<float, 3> out,
         std::intptr_t stream) {
        const auto s = soft_costs(costs, planes, bounds, sharpness);
        const cuda::DeviceGuard guard(costs.device_id());
        cuda::mvs::soft_argmin_vjp(s, {view<2>(grad_depth), view<2>(grad_uncertainty)}, view<3>(out),
                                   stream_from(stream));
      },
      array("costs"), array("planes"), array("bounds").none(), nb::arg("sharpness"), array("grad_depth"),
      array("grad_uncertainty"), array("out"), nb::arg("stream"));
  m.def(
      "guided_costs",
      [](ViewArg<const float, 3> costs, ViewArg<const float, 3> guide, int radius, float epsilon, ViewArg<float, 3> out,
         std::intptr_t stream) {
        const cuda::DeviceGuard guard(costs.device_id());
        cuda::mvs::guided_costs({view<3>(costs), view<3>(guide), radius, epsilon}, view<3>(out), stream_from(stream));
      },
      array("costs"), array("guide"), nb::arg("radius"), nb::arg("epsilon"), array("out"), nb::arg("stream"));
}

}  // namespace fastcv::bindings
