// SPDX-License-Identifier: Apache-2.0
// fastcv._core.mvs
#include "bindings/mvs.h"

#include "mvs/pack_image.h"
#include "mvs/plane_sweep.h"

namespace fastcv::bindings {
namespace {

using Images = ViewArgs<const std::int32_t, 3>;
using Projections = HostMatrix<float, 12>;

mvs::DepthMap depth_map(const ViewArg<float, 2>& depth, const ViewArg<float, 2>& confidence,
                        const ViewArg<float, 2>& cost) {
  return {view<2>(depth), view<2>(confidence), view<2>(cost)};
}

template <class T>
void bind_pack_image(nb::module_& m) {
  m.def(
      "pack_image",
      [](ViewArg<const T, 3> image, ViewArg<std::int32_t, 3> out, int num_threads) {
        const auto i = view<3>(image);
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::pack_image<T>(i, o, num_threads);
      },
      array("image"), array("out"), nb::arg("num_threads"));
}

void bind_sweep(nb::module_& m) {
  m.def(
      "plane_sweep",
      [](const Images& images, Projections projections, HostVector<float> inverse_depths, mvs::MatchCost cost,
         int window, int num_best, int truncation, ViewArg<float, 3> out, int num_threads) {
        const auto sweep = sweep_from(images, projections, inverse_depths, cost, window, num_best, truncation);
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::plane_sweep(sweep, o, num_threads);
      },
      FASTCV_SWEEP_ARGS, array("out"), nb::arg("num_threads"));
  m.def(
      "estimate_depth",
      [](const Images& images, Projections projections, HostVector<float> inverse_depths, mvs::MatchCost cost,
         int window, int num_best, int truncation, ViewArg<float, 2> depth, ViewArg<float, 2> confidence,
         ViewArg<float, 2> out_cost, int num_threads) {
        const auto sweep = sweep_from(images, projections, inverse_depths, cost, window, num_best, truncation);
        const auto out = depth_map(depth, confidence, out_cost);
        const nb::gil_scoped_release release;
        mvs::estimate_depth(sweep, out, num_threads);
      },
      FASTCV_SWEEP_ARGS, array("depth"), array("confidence"), array("out_cost"), nb::arg("num_threads"));
  m.def(
      "winner_take_all",
      [](ViewArg<const float, 3> costs, HostVector<float> inverse_depths, ViewArg<float, 2> depth,
         ViewArg<float, 2> confidence, ViewArg<float, 2> out_cost, int num_threads) {
        const auto c = view<3>(costs);
        const auto out = depth_map(depth, confidence, out_cost);
        const nb::gil_scoped_release release;
        mvs::winner_take_all(c, inverse_depths.data(), out, num_threads);
      },
      array("costs"), array("inverse_depths"), array("depth"), array("confidence"), array("out_cost"),
      nb::arg("num_threads"));
}

}  // namespace

void bind_mvs(nb::module_& m) {
  bind_match_cost(m);
  bind_pack_image<std::uint8_t>(m);
  bind_pack_image<float>(m);
  bind_sweep(m);
}

}  // namespace fastcv::bindings
