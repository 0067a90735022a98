// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of space carving share.
#pragma once

#include "bindings/arrays.h"
#include "voxels/photographs.h"

namespace fastcv::bindings {

using GeometryArg = RowsArg<const double, voxels::kGeometry>;
using PhotoLayoutArg = RowsArg<const std::int64_t, voxels::kPhotoLayout>;

inline voxels::Photographs photographs_from(const GeometryArg& geometry, const PhotoLayoutArg& layout,
                                            const ViewArg<const std::int32_t, 1>& pixels) {
  return {static_cast<std::int64_t>(layout.shape(0)), geometry.data(), layout.data(), pixels.data()};
}

}  // namespace fastcv::bindings
