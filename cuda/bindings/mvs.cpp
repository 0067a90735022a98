// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.mvs: the names and arguments of fastcv._core.mvs, a stream in place of num_threads. Fusion is serial and
// stays on the CPU.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/mvs.h"
#include "cuda/mvs/disparity.h"
#include "cuda/mvs/filter_depths.h"
#include "cuda/mvs/pack_image.h"
#include "cuda/mvs/plane_sweep.h"
#include "cuda/mvs/smoothing.h"

namespace fastcv::bindings {

void bind_mvs_features(nb::module_& m);
void bind_mvs_pyramid(nb::module_& m);
void bind_mvs_refine(nb::module_& m);
void bind_mvs_volumes(nb::module_& m);

namespace {

template <class T>
void bind_pack_image(nb::module_& m) {
  m.def(
      "pack_image",
      [](ViewArg<const T, 3> image, const OptionalView<const std::uint8_t, 2>& mask, ViewArg<std::int32_t, 3> out,
         std::intptr_t stream) {
        const cuda::DeviceGuard guard(out.device_id());
        cuda::mvs::pack_image<T>(view<3>(image), view_or_null<2>(mask).data, view<3>(out), stream_from(stream));
      },
      array("image"), array("mask").none(), array("out"), nb::arg("stream"));
}

template <void (*Run)(const mvs::Sweep&, const mvs::CostVolume&, cudaStream_t)>
void bind_plane_sweep(nb::module_& m, const char* name) {
  m.def(
      name,
      [](FASTCV_SWEEP_PARAMETERS, ViewArg<float, 3> out, const OptionalView<std::uint8_t, 3>& num_seen,
         std::intptr_t stream) {
        const auto sweep = sweep_from(FASTCV_SWEEP_VALUES);
        const cuda::DeviceGuard guard(out.device_id());
        Run(sweep, {view<3>(out), view_or_null<3>(num_seen)}, stream_from(stream));
      },
      FASTCV_SWEEP_ARGS, array("out"), array("num_seen").none(), nb::arg("stream"));
}

void bind_winners(nb::module_& m) {
  m.def(
      "estimate_depth",
      [](FASTCV_SWEEP_PARAMETERS, ViewArg<float, 2> depth, ViewArg<float, 2> confidence, ViewArg<float, 2> out_cost,
         std::intptr_t stream) {
        const auto sweep = sweep_from(FASTCV_SWEEP_VALUES);
        const cuda::DeviceGuard guard(depth.device_id());
        cuda::mvs::estimate_depth(sweep, {view<2>(depth), view<2>(confidence), view<2>(out_cost)}, stream_from(stream));
      },
      FASTCV_SWEEP_ARGS, array("depth"), array("confidence"), array("out_cost"), nb::arg("stream"));
  m.def(
      "winner_take_all",
      [](ViewArg<const float, 3> costs, HostMatrix<float, 3> planes, const Bounds& bounds, ViewArg<float, 2> depth,
         ViewArg<float, 2> confidence, ViewArg<float, 2> out_cost, std::intptr_t stream) {
        const cuda::DeviceGuard guard(costs.device_id());
        cuda::mvs::winner_take_all(view<3>(costs), hypotheses_from(planes, bounds),
                                   {view<2>(depth), view<2>(confidence), view<2>(out_cost)}, stream_from(stream));
      },
      array("costs"), array("planes"), array("bounds").none(), array("depth"), array("confidence"), array("out_cost"),
      nb::arg("stream"));
}

void bind_smoothing(nb::module_& m) {
  m.def(
      "estimate_smooth_depth",
      [](FASTCV_SWEEP_PARAMETERS, FASTCV_SMOOTHING_PARAMETERS, ViewArg<float, 2> depth, ViewArg<float, 2> confidence,
         ViewArg<float, 2> out_cost, std::intptr_t stream) {
        const auto sweep = sweep_from(FASTCV_SWEEP_VALUES);
        const cuda::DeviceGuard guard(depth.device_id());
        cuda::mvs::estimate_smooth_depth(sweep, {max_cost, p1, p2, band_rows},
                                         {view<2>(depth), view<2>(confidence), view<2>(out_cost)}, stream_from(stream));
      },
      FASTCV_SWEEP_ARGS, FASTCV_SMOOTHING_ARGS, array("depth"), array("confidence"), array("out_cost"),
      nb::arg("stream"));
  m.def(
      "smooth_costs",
      [](ViewArg<const float, 3> costs, FASTCV_SMOOTHING_PARAMETERS, ViewArg<float, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(costs.device_id());
        cuda::mvs::smooth_costs(view<3>(costs), {max_cost, p1, p2, band_rows}, view<3>(out), stream_from(stream));
      },
      array("costs"), FASTCV_SMOOTHING_ARGS, array("out"), nb::arg("stream"));
}

void bind_filter(nb::module_& m) {
  m.def(
      "filter_depths",
      [](ViewArg<const float, 2> depth, const ViewArgs<const float, 2>& neighbor_depths,
         HostMatrix<double, 24> transfers, int min_consistent, double max_reprojection_px, double max_relative_depth,
         ViewArg<float, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(depth.device_id());
        cuda::mvs::filter_depths(view<2>(depth), neighbors_from(neighbor_depths, transfers),
                                 {min_consistent, max_reprojection_px, max_relative_depth}, view<2>(out),
                                 stream_from(stream));
      },
      array("depth"), nb::arg("neighbor_depths").noconvert(), array("transfers"), nb::arg("min_consistent"),
      nb::arg("max_reprojection_px"), nb::arg("max_relative_depth"), array("out"), nb::arg("stream"));
}

template <class T>
void bind_census_luma(nb::module_& m) {
  m.def(
      "census_luma",
      [](ViewArg<const T, 3> image, ViewArg<std::uint16_t, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(image.device_id());
        const auto i = view<3>(image);
        const auto o = view<2>(out);
        cuda::mvs::census_luma<T>(i, o, stream_from(stream));
      },
      array("image"), array("out"), nb::arg("stream"));
}

void bind_disparity(nb::module_& m) {
  m.def(
      "estimate_disparity",
      [](ViewArg<const std::uint16_t, 2> left, ViewArg<const std::uint16_t, 2> right, int num_disparities,
         int min_disparity, int p1, int p2, int max_difference, float min_confidence, ViewArg<float, 2> disparity,
         ViewArg<float, 2> confidence, std::intptr_t stream) {
        const cuda::DeviceGuard guard(left.device_id());
        const auto l = view<2>(left), r = view<2>(right);
        const mvs::DisparityMap out{view<2>(disparity), view<2>(confidence)};
        cuda::mvs::estimate_disparity(l, r, {num_disparities, min_disparity, p1, p2, max_difference, min_confidence},
                                      out, stream_from(stream));
      },
      FASTCV_STEREO_ARGS, array("disparity"), array("confidence"), nb::arg("stream"));
  m.def(
      "remove_speckles",
      [](ViewArg<float, 2> disparity, ViewArg<float, 2> confidence, std::int64_t min_pixels, float max_step,
         std::intptr_t stream) {
        const cuda::DeviceGuard guard(disparity.device_id());
        const mvs::DisparityMap map{view<2>(disparity), view<2>(confidence)};
        cuda::mvs::remove_speckles(map, min_pixels, max_step, stream_from(stream));
      },
      array("disparity"), array("confidence"), nb::arg("min_pixels"), nb::arg("max_step"), nb::arg("stream"));
  m.def(
      "median_disparity",
      [](ViewArg<const float, 2> disparity, ViewArg<float, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(disparity.device_id());
        const auto d = view<2>(disparity);
        const auto o = view<2>(out);
        cuda::mvs::median_disparity(d, o, stream_from(stream));
      },
      array("disparity"), array("out"), nb::arg("stream"));
  m.def(
      "fill_disparity",
      [](ViewArg<const float, 2> disparity, ViewArg<float, 2> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(disparity.device_id());
        const auto d = view<2>(disparity);
        const auto o = view<2>(out);
        cuda::mvs::fill_disparity(d, o, stream_from(stream));
      },
      array("disparity"), array("out"), nb::arg("stream"));
}

}  // namespace

void bind_mvs(nb::module_& m) {
  bind_match_cost(m);
  bind_pack_image<std::uint8_t>(m);
  bind_pack_image<std::uint16_t>(m);
  bind_pack_image<float>(m);
  bind_plane_sweep<cuda::mvs::plane_sweep>(m, "plane_sweep");
  bind_plane_sweep<cuda::mvs::plane_sweep_for_each>(m, "plane_sweep_for_each");
  bind_winners(m);
  bind_smoothing(m);
  bind_filter(m);
  bind_mvs_features(m);
  bind_mvs_pyramid(m);
  bind_mvs_refine(m);
  bind_mvs_volumes(m);
  bind_census_luma<std::uint8_t>(m);
  bind_census_luma<std::uint16_t>(m);
  bind_census_luma<float>(m);
  bind_disparity(m);
}

}  // namespace fastcv::bindings
