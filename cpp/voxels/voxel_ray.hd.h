// SPDX-License-Identifier: Apache-2.0
// The voxels along the ray through a pixel, one after the other (Amanatides & Woo 1987). Where the ray leaves a voxel
// is computed from the voxel alone, so a walk can stop and go on later, and rounding never adds up.
#pragma once

#include <cmath>

#include "voxels/photographs.h"

namespace fastcv::FASTCV_ISA {

// Axes are x, y, z here.
struct VoxelRay {
  double origin[3], inverse[3];  // inverse: of the direction; 0 where the ray keeps its place along the axis
  int step[3];
  std::int64_t size[3];
};

FASTCV_HD VoxelRay voxel_ray(const double* geometry, const std::int64_t* shape, double u, double v) {
  VoxelRay ray;
  const double *center = geometry + 12, *m = geometry + 15;
  for (int axis = 0; axis < 3; ++axis) {
    const double direction = m[3 * axis] * u + (m[3 * axis + 1] * v + m[3 * axis + 2]);
    ray.origin[axis] = center[axis];
    ray.step[axis] = (direction > 0) - (direction < 0);
    ray.inverse[axis] = direction == 0 ? 0 : 1 / direction;
    ray.size[axis] = shape[2 - axis];
  }
  return ray;
}

// Depth at which the ray comes to the plane x, y or z = at.
FASTCV_HD double depth_at(const VoxelRay& ray, int axis, std::int64_t at) {
  return (double(at) - ray.origin[axis]) * ray.inverse[axis];
}

// The first voxel of the grid on the ray; false where the ray misses the grid.
FASTCV_HD bool enter_grid(const VoxelRay& ray, std::int64_t* voxel) {
  double from = 0, to = HUGE_VAL;
  int face = -1;
  for (int axis = 0; axis < 3; ++axis) {
    if (ray.step[axis] == 0) {
      if (!(ray.origin[axis] >= 0 && ray.origin[axis] < double(ray.size[axis]))) return false;
      continue;
    }
    const bool up = ray.step[axis] > 0;
    const double near = depth_at(ray, axis, up ? 0 : ray.size[axis]);
    const double far = depth_at(ray, axis, up ? ray.size[axis] : 0);
    if (near > from) {
      from = near;
      face = axis;
    }
    to = far < to ? far : to;
  }
  if (!(from < to)) return false;
  for (int axis = 0; axis < 3; ++axis) {
    const double way = ray.step[axis] == 0 ? 0 : from / ray.inverse[axis];
    const double last = double(ray.size[axis] - 1), at = std::floor(ray.origin[axis] + way);
    voxel[axis] = static_cast<std::int64_t>(at < 0 ? 0 : at > last ? last : at);
  }
  if (face >= 0) voxel[face] = ray.step[face] > 0 ? 0 : ray.size[face] - 1;
  return true;
}

// The next voxel; false where the ray leaves the grid.
FASTCV_HD bool next_voxel(const VoxelRay& ray, std::int64_t* voxel) {
  int through = -1;
  double nearest = HUGE_VAL;
  for (int axis = 0; axis < 3; ++axis) {
    if (ray.step[axis] == 0) continue;
    const double depth = depth_at(ray, axis, voxel[axis] + (ray.step[axis] > 0));
    if (depth < nearest) {
      nearest = depth;
      through = axis;
    }
  }
  if (through < 0) return false;
  voxel[through] += ray.step[through];
  return voxel[through] >= 0 && voxel[through] < ray.size[through];
}

// Depth at which the ray enters a voxel that it comes through; 0 for the one it begins in.
FASTCV_HD double depth_of_entry(const VoxelRay& ray, const std::int64_t* voxel) {
  double depth = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const double entry = depth_at(ray, axis, voxel[axis] + (ray.step[axis] < 0));
    if (ray.step[axis] != 0 && entry > depth) depth = entry;
  }
  return depth;
}

FASTCV_HD std::int64_t voxel_number(const std::int64_t* shape, const std::int64_t* voxel) {
  return (voxel[2] * shape[1] + voxel[1]) * shape[2] + voxel[0];
}
FASTCV_HD void voxel_at(const std::int64_t* shape, std::int64_t number, std::int64_t* voxel) {
  voxel[0] = number % shape[2];
  voxel[1] = number / shape[2] % shape[1];
  voxel[2] = number / shape[2] / shape[1];
}

}  // namespace fastcv::FASTCV_ISA
