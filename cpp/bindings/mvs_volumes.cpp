// SPDX-License-Identifier: Apache-2.0
// fastcv._core.mvs: what is done to volumes of costs.
#include "bindings/mvs.h"
#include "mvs/guided_costs.h"
#include "mvs/soft_argmin.h"

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
         ViewArg<float, 2> depth, ViewArg<float, 2> uncertainty, int num_threads) {
        const auto s = soft_costs(costs, planes, bounds, sharpness);
        const mvs::SoftDepth out{view<2>(depth), view<2>(uncertainty)};
        const nb::gil_scoped_release release;
        mvs::soft_argmin(s, out, num_threads);
      },
      array("costs"), array("planes"), array("bounds").none(), nb::arg("sharpness"), array("depth"),
      array("uncertainty"), nb::arg("num_threads"));
  m.def(
      "soft_argmin_vjp",
      [](ViewArg<const float, 3> costs, HostMatrix<float, 3> planes, const Bounds& bounds, float sharpness,
         ViewArg<const float, 2> grad_depth, ViewArg<const float, 2> grad_uncertainty, ViewArg<float, 3> out,
         int num_threads) {
        const auto s = soft_costs(costs, planes, bounds, sharpness);
        const mvs::SoftDepthGrad grad{view<2>(grad_depth), view<2>(grad_uncertainty)};
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::soft_argmin_vjp(s, grad, o, num_threads);
      },
      array("costs"), array("planes"), array("bounds").none(), nb::arg("sharpness"), array("grad_depth"),
      array("grad_uncertainty"), array("out"), nb::arg("num_threads"));
  m.def(
      "guided_costs",
      [](ViewArg<const float, 3> costs, ViewArg<const float, 3> guide, int radius, float epsilon, ViewArg<float, 3> out,
         int num_threads) {
        const mvs::GuidedCosts in{view<3>(costs), view<3>(guide), radius, epsilon};
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::guided_costs(in, o, num_threads);
      },
      array("costs"), array("guide"), nb::arg("radius"), nb::arg("epsilon"), array("out"), nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
