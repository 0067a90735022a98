// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of soft carving share.
#pragma once

#include "bindings/arrays.h"
#include "voxels/soft_carving.h"

namespace fastcv::bindings {

template <class T>
voxels::SoftCarving<T> soft_carving_from(const RowsArg<const double, 12>& image_from_voxel,
                                         const RowsArg<const std::int64_t, voxels::kSoftLayout>& layout,
                                         const ViewArg<const T, 1>& masks, const HostNumbers<std::int64_t, 3>& shape,
                                         double miss_rate, double false_alarm_rate, double prior_odds,
                                         bool outside_violates) {
  const std::int64_t* s = shape.data();
  return {static_cast<std::int64_t>(layout.shape(0)),
          image_from_voxel.data(),
          layout.data(),
          masks.data(),
          {s[0], s[1], s[2]},
          {miss_rate, false_alarm_rate, prior_odds, outside_violates}};
}

}  // namespace fastcv::bindings

// The arguments of a soft carving: parameters, values and names.
#define FASTCV_SOFT_CARVING_PARAMETERS(T)                                                                       \
  RowsArg<const double, 12> image_from_voxel, RowsArg<const std::int64_t, voxels::kSoftLayout> layout,          \
      ViewArg<const T, 1> masks, HostNumbers<std::int64_t, 3> shape, double miss_rate, double false_alarm_rate, \
      double prior_odds, bool outside_violates
#define FASTCV_SOFT_CARVING_VALUES \
  image_from_voxel, layout, masks, shape, miss_rate, false_alarm_rate, prior_odds, outside_violates
#define FASTCV_SOFT_CARVING_ARGS                                                                    \
  array("image_from_voxel"), array("layout"), array("masks"), array("shape"), nb::arg("miss_rate"), \
      nb::arg("false_alarm_rate"), nb::arg("prior_odds"), nb::arg("outside_violates")
