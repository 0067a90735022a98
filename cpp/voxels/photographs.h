// SPDX-License-Identifier: Apache-2.0
// What space carving works on: photographs with their projections of a grid, and what each of their pixels sees of it.
#pragma once

#include "core/view.h"
#include "voxels/carving.h"

namespace fastcv::voxels {

// A pixel is four bytes: red, green, blue, and its roughness, the standard deviation of the levels around it; red is
// the lowest. Photographs lie one after the other, row by row.
struct Photographs {
  std::int64_t count;
  const double* geometry;      // kGeometry a view
  const std::int64_t* layout;  // kPhotoLayout a view
  const std::int32_t* pixels;
};
constexpr int kPhotoLayout = 3;  // width and height in pixels; where the view's pixels begin

// Of a view: image_from_voxel, (3, 4), gives (x w, y w, w) from (x, y, z, 1) in voxels, w > 0 in front and in scene
// units; the camera's centre in voxels, (3); the (3, 3) matrix from (x, y, 1) in pixels to the way of the ray in voxels
// along which w grows by 1; width and height in pixels of a voxel's front at w = 1.
constexpr int kGeometry = 26;

// The first occupied voxel on the ray through a pixel's centre, and the depth w at which the ray enters it.
constexpr std::int64_t kNoVoxel = -1;  // there is none, or the pixel does not take part; depth 0
constexpr std::int64_t kNotCast = -2;  // the ray has not set out yet
struct Sight {
  std::int64_t* voxels;
  float* depths;
};

constexpr int kSightTile = 8;  // pixels along the side of tiles, which are marked where pixels may see another voxel

// Of a voxel.
constexpr std::uint8_t kFree = 0, kOccupied = 1, kHeld = 2;  // held: occupied, and to remain so

// Voxels that at least min_views see stay where the variance of what these see is at most
// level_variance + slack * (the mean of their squared roughness).
struct Consistency {
  const double* gains;  // 3 a view: a level times its gain is comparable with other views'
  double level_variance, slack;
  std::int32_t min_views;
};

}  // namespace fastcv::voxels
