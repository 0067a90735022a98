// SPDX-License-Identifier: Apache-2.0
// What soft carving works on: masks of probabilities, projections of a grid of voxels, and how reliable masks are.
#pragma once

#include "core/view.h"

namespace fastcv::voxels {

// How often a view's pixel shows background where the voxel is occupied, and foreground where it is empty (as other
// voxels on the same ray may be occupied), as far as the mask is sure. A view that does not see a voxel says nothing,
// or where outside_violates is 1 what background says.
struct Sensor {
  double miss_rate, false_alarm_rate, prior_odds;
  std::int32_t outside_violates;
};

// Masks of float or double in [0, 1], row by row; a negative number where a pixel is not of the image.
template <class T>
struct SoftCarving {
  std::int64_t count;
  const double* image_from_voxel;  // 12 a view: (x w, y w, w) from (x, y, z, 1) in voxels; w > 0 in front
  const std::int64_t* layout;      // kSoftLayout a view
  const T* masks;
  std::int64_t shape[3];  // z, y, x
  Sensor sensor;

  FASTCV_HD std::int64_t num_voxels() const { return shape[0] * shape[1] * shape[2]; }
};
constexpr int kSoftLayout = 3;  // width and height in pixels; where in masks the view's begin

}  // namespace fastcv::voxels
