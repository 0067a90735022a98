// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of volumes of features share.
#pragma once

#include <nanobind/stl/vector.h>

#include <vector>

#include "bindings/arrays.h"
#include "mvs/feature_sweep.h"

namespace fastcv::bindings {

using PackedArg = ViewArg<const float, 3>;  // (height + 1, width + 1, packed channels)

// views: packed, the reference first; projections: one row of rotation and translation per source; depths: (planes,
// height, width), or (planes, 1, 1) for planes.
inline mvs::FeatureSweep feature_sweep_from(const std::vector<PackedArg>& views,
                                            const HostMatrix<float, 12>& projections, const PackedArg& depths,
                                            mvs::FeatureReduce reduce, int channels, int groups) {
  const auto packed = [](const PackedArg& v) {
    return mvs::PackedFeatures{v.data(), static_cast<std::int32_t>(v.shape(0) - 1),
                               static_cast<std::int32_t>(v.shape(1) - 1)};
  };
  const auto pixels = static_cast<std::int64_t>(depths.shape(1) * depths.shape(2));
  mvs::FeatureSweep sweep{reduce,
                          mvs::channel_layout(channels, groups),
                          static_cast<std::int32_t>(projections.shape(0)),
                          packed(views[0]),
                          {},
                          depths.data(),
                          static_cast<std::int64_t>(depths.shape(0)),
                          pixels,
                          pixels == 1 ? 0 : 1};
  for (int k = 0; k < sweep.num_sources; ++k) {
    mvs::FeatureSource& source = sweep.sources[k];
    source.features = packed(views[k + 1]);
    const float* row = projections.data() + 12 * k;
    std::copy(row, row + 9, source.rotation);
    std::copy(row + 9, row + 12, source.translation);
  }
  return sweep;
}

inline void bind_feature_reduce(nb::module_& m) {
  nb::enum_<mvs::FeatureReduce>(m, "FeatureReduce")
      .value("variance", mvs::FeatureReduce::variance)
      .value("correlation", mvs::FeatureReduce::correlation);
  m.def("packed_channels", [](int channels, int groups) { return mvs::channel_layout(channels, groups).packed; });
}

// The gradients of the sources, as many as there are.
struct SourceGradients {
  explicit SourceGradients(const std::vector<ViewArg<float, 3>>& arrays) {
    for (std::size_t k = 0; k < arrays.size(); ++k) views[k] = view<3>(arrays[k]);
  }
  View<float, 3> views[mvs::kMaxFeatureSources];
};

// The arguments of feature_sweep_from, as every op on volumes of features takes them.
#define FASTCV_FEATURE_ARGS                                                                                    \
  nb::arg("views").noconvert(), array("projections"), array("depths"), nb::arg("reduce"), nb::arg("channels"), \
      nb::arg("groups")

}  // namespace fastcv::bindings
