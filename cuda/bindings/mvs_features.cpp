// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.mvs: volumes of features, a stream in place of num_threads.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/mvs_features.h"
#include "cuda/mvs/feature_volume.h"

namespace fastcv::bindings {

void bind_mvs_features(nb::module_& m) {
  bind_feature_reduce(m);
  m.def(
      "pack_features",
      [](ViewArg<const float, 3> features, int groups, ViewArg<float, 3> out, std::intptr_t stream) {
        const auto f = view<3>(features);
        const auto layout = mvs::channel_layout(static_cast<std::int32_t>(f.shape[0]), groups);
        const auto o = view<3>(out);
        const cuda::DeviceGuard guard(out.device_id());
        cuda::mvs::pack_features(f, layout, o, stream_from(stream));
      },
      array("features"), nb::arg("groups"), array("out"), nb::arg("stream"));
  m.def(
      "feature_volume",
      [](const std::vector<PackedArg>& views, HostMatrix<float, 12> projections, PackedArg depths,
         mvs::FeatureReduce reduce, int channels, int groups, ViewArg<float, 4> out, ViewArg<std::uint8_t, 3> num_seen,
         std::intptr_t stream) {
        const auto sweep = feature_sweep_from(views, projections, depths, reduce, channels, groups);
        const auto o = view<4>(out);
        const auto n = view<3>(num_seen);
        const cuda::DeviceGuard guard(out.device_id());
        cuda::mvs::feature_volume(sweep, o, n, stream_from(stream));
      },
      FASTCV_FEATURE_ARGS, array("out"), array("num_seen"), nb::arg("stream"));
  m.def(
      "feature_volume_vjp",
      [](const std::vector<PackedArg>& views, HostMatrix<float, 12> projections, PackedArg depths,
         mvs::FeatureReduce reduce, int channels, int groups, ViewArg<const float, 4> grad,
         ViewArg<float, 3> grad_reference, const std::vector<ViewArg<float, 3>>& grad_sources, std::intptr_t stream) {
        const auto sweep = feature_sweep_from(views, projections, depths, reduce, channels, groups);
        const auto g = view<4>(grad);
        const auto reference = view<3>(grad_reference);
        const SourceGradients sources(grad_sources);
        const cuda::DeviceGuard guard(grad.device_id());
        cuda::mvs::feature_volume_vjp(sweep, g, reference, sources.views, stream_from(stream));
      },
      FASTCV_FEATURE_ARGS, array("grad"), array("grad_reference"), nb::arg("grad_sources").noconvert(),
      nb::arg("stream"));
  m.def(
      "feature_volume_depth_vjp",
      [](const std::vector<PackedArg>& views, HostMatrix<float, 12> projections, PackedArg depths,
         mvs::FeatureReduce reduce, int channels, int groups, ViewArg<const float, 4> grad,
         ViewArg<float, 3> grad_depths, std::intptr_t stream) {
        const auto sweep = feature_sweep_from(views, projections, depths, reduce, channels, groups);
        const auto g = view<4>(grad);
        const auto o = view<3>(grad_depths);
        const cuda::DeviceGuard guard(grad.device_id());
        cuda::mvs::feature_volume_depth_vjp(sweep, g, o, stream_from(stream));
      },
      FASTCV_FEATURE_ARGS, array("grad"), array("grad_depths"), nb::arg("stream"));
}

}  // namespace fastcv::bindings
