// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of carving by depth maps share.
#pragma once

#include <nanobind/stl/vector.h>

#include <vector>

#include "bindings/arrays.h"
#include "voxels/depth_maps.h"

namespace fastcv::bindings {

using HostLayout = nb::ndarray<std::int64_t, nb::shape<-1, voxels::kLayout>, nb::c_contig, nb::device::cpu>;
using DepthArgs = std::vector<ViewArg<const float, 2>>;

inline std::vector<View<const float, 2>> depths_from(const DepthArgs& maps) {
  std::vector<View<const float, 2>> result;
  for (const auto& map : maps) result.push_back(view<2>(map));
  return result;
}

inline voxels::DepthCarving depth_carving_from(const RowsArg<const double, 12>& image_from_voxel,
                                               const RowsArg<const std::int64_t, voxels::kLayout>& layout,
                                               const ViewArg<const float, 1>& ranges, double margin,
                                               const HostNumbers<std::int64_t, 3>& shape, int min_views,
                                               int max_violations, bool outside_violates) {
  const std::int64_t* s = shape.data();
  return {{static_cast<std::int64_t>(layout.shape(0)), image_from_voxel.data(), layout.data(), ranges.data(), margin},
          {s[0], s[1], s[2]},
          min_views,
          max_violations,
          outside_violates};
}

}  // namespace fastcv::bindings

// The arguments of a carving by depth maps: parameters, values and names.
#define FASTCV_DEPTH_CARVING_PARAMETERS                                                                 \
  RowsArg<const double, 12> image_from_voxel, RowsArg<const std::int64_t, voxels::kLayout> layout,      \
      ViewArg<const float, 1> ranges, double margin, HostNumbers<std::int64_t, 3> shape, int min_views, \
      int max_violations, bool outside_violates
#define FASTCV_DEPTH_CARVING_VALUES \
  image_from_voxel, layout, ranges, margin, shape, min_views, max_violations, outside_violates
#define FASTCV_DEPTH_CARVING_ARGS                                                                 \
  array("image_from_voxel"), array("layout"), array("ranges"), nb::arg("margin"), array("shape"), \
      nb::arg("min_views"), nb::arg("max_violations"), nb::arg("outside_violates")
