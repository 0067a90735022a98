// SPDX-License-Identifier: Apache-2.0
// fastcv._core.mvs
#include "bindings/mvs.h"

#include "mvs/clean_disparity.h"
#include "mvs/disparity.h"
#include "mvs/filter_depths.h"
#include "mvs/fuse.h"
#include "mvs/pack_image.h"
#include "mvs/plane_sweep.h"
#include "mvs/smoothing.h"

namespace fastcv::bindings {

void bind_mvs_features(nb::module_& m);
void bind_mvs_pyramid(nb::module_& m);
void bind_mvs_refine(nb::module_& m);
void bind_mvs_volumes(nb::module_& m);

namespace {

mvs::DepthMap depth_map(const ViewArg<float, 2>& depth, const ViewArg<float, 2>& confidence,
                        const ViewArg<float, 2>& cost) {
  return {view<2>(depth), view<2>(confidence), view<2>(cost)};
}

template <class T>
void bind_pack_image(nb::module_& m) {
  m.def(
      "pack_image",
      [](ViewArg<const T, 3> image, const OptionalView<const std::uint8_t, 2>& mask, ViewArg<std::int32_t, 3> out,
         int num_threads) {
        const auto i = view<3>(image);
        const std::uint8_t* m = view_or_null<2>(mask).data;
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::pack_image<T>(i, m, o, num_threads);
      },
      array("image"), array("mask").none(), array("out"), nb::arg("num_threads"));
}

void bind_sweep(nb::module_& m) {
  m.def(
      "plane_sweep",
      [](FASTCV_SWEEP_PARAMETERS, ViewArg<float, 3> out, const OptionalView<std::uint8_t, 3>& num_seen,
         int num_threads) {
        const auto sweep = sweep_from(FASTCV_SWEEP_VALUES);
        const mvs::CostVolume volume{view<3>(out), view_or_null<3>(num_seen)};
        const nb::gil_scoped_release release;
        mvs::plane_sweep(sweep, volume, num_threads);
      },
      FASTCV_SWEEP_ARGS, array("out"), array("num_seen").none(), nb::arg("num_threads"));
  m.def(
      "estimate_depth",
      [](FASTCV_SWEEP_PARAMETERS, ViewArg<float, 2> depth, ViewArg<float, 2> confidence, ViewArg<float, 2> out_cost,
         int num_threads) {
        const auto sweep = sweep_from(FASTCV_SWEEP_VALUES);
        const auto out = depth_map(depth, confidence, out_cost);
        const nb::gil_scoped_release release;
        mvs::estimate_depth(sweep, out, num_threads);
      },
      FASTCV_SWEEP_ARGS, array("depth"), array("confidence"), array("out_cost"), nb::arg("num_threads"));
  m.def(
      "winner_take_all",
      [](ViewArg<const float, 3> costs, HostMatrix<float, 3> planes, const Bounds& bounds, ViewArg<float, 2> depth,
         ViewArg<float, 2> confidence, ViewArg<float, 2> out_cost, int num_threads) {
        const auto c = view<3>(costs);
        const auto hypotheses = hypotheses_from(planes, bounds);
        const auto out = depth_map(depth, confidence, out_cost);
        const nb::gil_scoped_release release;
        mvs::winner_take_all(c, hypotheses, out, num_threads);
      },
      array("costs"), array("planes"), array("bounds").none(), array("depth"), array("confidence"), array("out_cost"),
      nb::arg("num_threads"));
}

void bind_smoothing(nb::module_& m) {
  m.def(
      "estimate_smooth_depth",
      [](FASTCV_SWEEP_PARAMETERS, FASTCV_SMOOTHING_PARAMETERS, ViewArg<float, 2> depth, ViewArg<float, 2> confidence,
         ViewArg<float, 2> out_cost, int num_threads) {
        const auto sweep = sweep_from(FASTCV_SWEEP_VALUES);
        const auto out = depth_map(depth, confidence, out_cost);
        const nb::gil_scoped_release release;
        mvs::estimate_smooth_depth(sweep, {max_cost, p1, p2, band_rows}, out, num_threads);
      },
      FASTCV_SWEEP_ARGS, FASTCV_SMOOTHING_ARGS, array("depth"), array("confidence"), array("out_cost"),
      nb::arg("num_threads"));
  m.def(
      "smooth_costs",
      [](ViewArg<const float, 3> costs, FASTCV_SMOOTHING_PARAMETERS, ViewArg<float, 3> out, int num_threads) {
        const auto c = view<3>(costs);
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::smooth_costs(c, {max_cost, p1, p2, band_rows}, o, num_threads);
      },
      array("costs"), FASTCV_SMOOTHING_ARGS, array("out"), nb::arg("num_threads"));
}

void bind_filter(nb::module_& m) {
  m.def(
      "filter_depths",
      [](ViewArg<const float, 2> depth, const ViewArgs<const float, 2>& neighbor_depths,
         HostMatrix<double, 24> transfers, int min_consistent, double max_reprojection_px, double max_relative_depth,
         ViewArg<float, 2> out, int num_threads) {
        const auto d = view<2>(depth);
        const auto neighbors = neighbors_from(neighbor_depths, transfers);
        const auto o = view<2>(out);
        const nb::gil_scoped_release release;
        mvs::filter_depths(d, neighbors, {min_consistent, max_reprojection_px, max_relative_depth}, o, num_threads);
      },
      array("depth"), nb::arg("neighbor_depths").noconvert(), array("transfers"), nb::arg("min_consistent"),
      nb::arg("max_reprojection_px"), nb::arg("max_relative_depth"), array("out"), nb::arg("num_threads"));
}

mvs::FuseView fuse_view_from(const ViewArg<const float, 2>& depth, const ViewArg<const std::uint8_t, 3>& color,
                             const ViewArg<std::uint8_t, 2>& used, const double* world_from_pixel) {
  mvs::FuseView result{view<2>(depth), view<3>(color), view<2>(used), {}};
  std::copy(world_from_pixel, world_from_pixel + 12, result.world_from_pixel);
  return result;
}

// Depths, colours, used and world_from_pixel hold the reference first, then its neighbours.
void bind_fuse(nb::module_& m) {
  m.def(
      "depth_normals",
      [](ViewArg<const float, 2> depth, HostMatrix<double, 3> K, ViewArg<float, 3> out, int num_threads) {
        const auto d = view<2>(depth);
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::depth_normals(d, K.data(), o, num_threads);
      },
      array("depth"), array("K"), array("out"), nb::arg("num_threads"));
  m.def(
      "fuse_view",
      [](const ViewArgs<const float, 2>& depths, const ViewArgs<const std::uint8_t, 3>& colors,
         const ViewArgs<std::uint8_t, 2>& used, HostMatrix<double, 12> world_from_pixel,
         HostMatrix<double, 24> transfers, int min_consistent, double max_reprojection_px, double max_relative_depth,
         ViewArg<const float, 3> normals, HostMatrix<double, 3> world_from_cam, ViewArg<float, 2> xyz,
         ViewArg<std::uint8_t, 2> rgb, ViewArg<float, 2> out_normals) {
        mvs::FuseViews views;
        for (std::size_t k = 0; k < depths.size(); ++k) {
          (k == 0 ? views.reference : views.neighbors[k - 1]) =
              fuse_view_from(depths[k], colors[k], used[k], world_from_pixel.data() + 12 * k);
        }
        const auto neighbors = neighbors_from({depths.begin() + 1, depths.end()}, transfers);
        const auto n = view<3>(normals);
        const mvs::PointBuffers out{view<2>(xyz), view<2>(out_normals), view<2>(rgb)};
        const nb::gil_scoped_release release;
        return mvs::fuse_view(views, neighbors, {min_consistent, max_reprojection_px, max_relative_depth}, n,
                              world_from_cam.data(), out);
      },
      nb::arg("depths").noconvert(), nb::arg("colors").noconvert(), nb::arg("used").noconvert(),
      array("world_from_pixel"), array("transfers"), nb::arg("min_consistent"), nb::arg("max_reprojection_px"),
      nb::arg("max_relative_depth"), array("normals"), array("world_from_cam"), array("xyz"), array("rgb"),
      array("out_normals"));
}

template <class T>
void bind_census_luma(nb::module_& m) {
  m.def(
      "census_luma",
      [](ViewArg<const T, 3> image, ViewArg<std::uint16_t, 2> out, int num_threads) {
        const auto i = view<3>(image);
        const auto o = view<2>(out);
        const nb::gil_scoped_release release;
        mvs::census_luma<T>(i, o, num_threads);
      },
      array("image"), array("out"), nb::arg("num_threads"));
}

void bind_disparity(nb::module_& m) {
  m.def(
      "estimate_disparity",
      [](ViewArg<const std::uint16_t, 2> left, ViewArg<const std::uint16_t, 2> right, int num_disparities,
         int min_disparity, int p1, int p2, int max_difference, float min_confidence, ViewArg<float, 2> disparity,
         ViewArg<float, 2> confidence, int num_threads) {
        const auto l = view<2>(left), r = view<2>(right);
        const mvs::DisparityMap out{view<2>(disparity), view<2>(confidence)};
        const nb::gil_scoped_release release;
        mvs::estimate_disparity(l, r, {num_disparities, min_disparity, p1, p2, max_difference, min_confidence}, out,
                                num_threads);
      },
      FASTCV_STEREO_ARGS, array("disparity"), array("confidence"), nb::arg("num_threads"));
  m.def(
      "remove_speckles",
      [](ViewArg<float, 2> disparity, ViewArg<float, 2> confidence, std::int64_t min_pixels, float max_step,
         int num_threads) {
        const mvs::DisparityMap map{view<2>(disparity), view<2>(confidence)};
        const nb::gil_scoped_release release;
        mvs::remove_speckles(map, min_pixels, max_step, num_threads);
      },
      array("disparity"), array("confidence"), nb::arg("min_pixels"), nb::arg("max_step"), nb::arg("num_threads"));
  m.def(
      "median_disparity",
      [](ViewArg<const float, 2> disparity, ViewArg<float, 2> out, int num_threads) {
        const auto d = view<2>(disparity);
        const auto o = view<2>(out);
        const nb::gil_scoped_release release;
        mvs::median_disparity(d, o, num_threads);
      },
      array("disparity"), array("out"), nb::arg("num_threads"));
  m.def(
      "fill_disparity",
      [](ViewArg<const float, 2> disparity, ViewArg<float, 2> out, int num_threads) {
        const auto d = view<2>(disparity);
        const auto o = view<2>(out);
        const nb::gil_scoped_release release;
        mvs::fill_disparity(d, o, num_threads);
      },
      array("disparity"), array("out"), nb::arg("num_threads"));
}

}  // namespace

void bind_mvs(nb::module_& m) {
  bind_match_cost(m);
  bind_pack_image<std::uint8_t>(m);
  bind_pack_image<std::uint16_t>(m);
  bind_pack_image<float>(m);
  bind_sweep(m);
  bind_smoothing(m);
  bind_filter(m);
  bind_fuse(m);
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
