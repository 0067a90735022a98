// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of the voxels room share.
#pragma once

#include <nanobind/stl/vector.h>

#include <vector>

#include "bindings/arrays.h"
#include "voxels/carving.h"
#include "voxels/pack_masks.h"

namespace fastcv::bindings {

using MaskArgs = std::vector<ViewArg<const std::uint8_t, 2>>;

inline std::vector<voxels::Mask> masks_from(const MaskArgs& masks, const std::vector<int>& outside) {
  std::vector<voxels::Mask> result;
  for (std::size_t i = 0; i < masks.size(); ++i) result.push_back({view<2>(masks[i]), outside[i]});
  return result;
}

inline voxels::Carving carving_from(const RowsArg<const double, 12>& image_from_voxel,
                                    const RowsArg<const std::int64_t, voxels::kLayout>& layout,
                                    const ViewArg<const std::int32_t, 1>& words,
                                    const ViewArg<const std::int64_t, 1>& sums,
                                    const HostNumbers<std::int64_t, 3>& shape, int min_views, int max_violations,
                                    bool outside_violates) {
  const std::int64_t* s = shape.data();
  return {
      {static_cast<std::int64_t>(layout.shape(0)), image_from_voxel.data(), layout.data(), words.data(), sums.data()},
      {s[0], s[1], s[2]},
      min_views,
      max_violations,
      outside_violates};
}

}  // namespace fastcv::bindings

// The arguments of a carving: parameters, values and names.
#define FASTCV_CARVING_PARAMETERS                                                                                    \
  RowsArg<const double, 12> image_from_voxel, RowsArg<const std::int64_t, voxels::kLayout> layout,                   \
      ViewArg<const std::int32_t, 1> words, ViewArg<const std::int64_t, 1> sums, HostNumbers<std::int64_t, 3> shape, \
      int min_views, int max_violations, bool outside_violates
#define FASTCV_CARVING_VALUES image_from_voxel, layout, words, sums, shape, min_views, max_violations, outside_violates
#define FASTCV_CARVING_ARGS                                                                                        \
  array("image_from_voxel"), array("layout"), array("words"), array("sums"), array("shape"), nb::arg("min_views"), \
      nb::arg("max_violations"), nb::arg("outside_violates")
