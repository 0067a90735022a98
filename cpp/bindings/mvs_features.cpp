// SPDX-License-Identifier: Apache-2.0
// fastcv._core.mvs: volumes of features.
#include "bindings/mvs_features.h"

#include "mvs/feature_volume.h"
#include "mvs/feature_volume_vjp.h"

namespace fastcv::bindings {

void bind_mvs_features(nb::module_& m) {
  bind_feature_reduce(m);
  m.def(
      "pack_features",
      [](ViewArg<const float, 3> features, int groups, ViewArg<float, 3> out, int num_threads) {
        const auto f = view<3>(features);
        const auto layout = mvs::channel_layout(static_cast<std::int32_t>(f.shape[0]), groups);
        const auto o = view<3>(out);
        const nb::gil_scoped_release release;
        mvs::pack_features(f, layout, o, num_threads);
      },
      array("features"), nb::arg("groups"), array("out"), nb::arg("num_threads"));
  m.def(
      "feature_volume",
      [](const std::vector<PackedArg>& views, HostMatrix<float, 12> projections, PackedArg depths,
         mvs::FeatureReduce reduce, int channels, int groups, ViewArg<float, 4> out, ViewArg<std::uint8_t, 3> num_seen,
         int num_threads) {
        const auto sweep = feature_sweep_from(views, projections, depths, reduce, channels, groups);
        const auto o = view<4>(out);
        const auto n = view<3>(num_seen);
        const nb::gil_scoped_release release;
        mvs::feature_volume(sweep, o, n, num_threads);
      },
      FASTCV_FEATURE_ARGS, array("out"), array("num_seen"), nb::arg("num_threads"));
  m.def(
      "feature_volume_vjp",
      [](const std::vector<PackedArg>& views, HostMatrix<float, 12> projections, PackedArg depths,
         mvs::FeatureReduce reduce, int channels, int groups, ViewArg<const float, 4> grad,
         ViewArg<float, 3> grad_reference, const std::vector<ViewArg<float, 3>>& grad_sources, int num_threads) {
        const auto sweep = feature_sweep_from(views, projections, depths, reduce, channels, groups);
        const auto g = view<4>(grad);
        const auto reference = view<3>(grad_reference);
        const SourceGradients sources(grad_sources);
        const nb::gil_scoped_release release;
        mvs::feature_volume_vjp(sweep, g, reference, sources.views, num_threads);
      },
      FASTCV_FEATURE_ARGS, array("grad"), array("grad_reference"), nb::arg("grad_sources").noconvert(),
      nb::arg("num_threads"));
  m.def(
      "feature_volume_depth_vjp",
      [](const std::vector<PackedArg>& views, HostMatrix<float, 12> projections, PackedArg depths,
         mvs::FeatureReduce reduce, int channels, int groups, ViewArg<const float, 4> grad,
         ViewArg<float, 3> grad_depths, int num_threads) {
        const auto sweep = feature_sweep_from(views, projections, depths, reduce, channels, groups);
        const auto g = view<4>(grad);
        const auto o = view<3>(grad_depths);
        const nb::gil_scoped_release release;
        mvs::feature_volume_depth_vjp(sweep, g, o, num_threads);
      },
      FASTCV_FEATURE_ARGS, array("grad"), array("grad_depths"), nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
