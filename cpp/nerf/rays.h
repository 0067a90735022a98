// SPDX-License-Identifier: Apache-2.0
// Rays of pixels in the world, where they meet a box or a sphere, and random pixels to begin with.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::nerf {

inline constexpr int kCameraRow = 17;  // the number of the model, then its parameters

// Rows of kCameraRow, one camera for all poses or one for each.
struct RayCameras {
  const double *host, *device;  // the same rows; kernels of a GPU read those on the device, where there are several
  std::int64_t count;
};

// Which pixels, and of which image; image i has pose i, and null stands for image 0.
template <class P>
struct RayPixels {
  const P* pixels;  // (rows, 2)
  const std::int64_t* images;
  std::int64_t rows;
};

// poses: [R | t] from world to camera, (num_poses, 3, 4). origins, directions: (rows, 3), directions of length 1. All
// is NaN for an image that does not exist, directions for a pixel without a ray.
template <class P>
void rays(const RayCameras& cameras, const double* poses, std::int64_t num_poses, const RayPixels<P>& pixels,
          float* origins, float* directions, int num_threads);

struct RayBox {
  float low[3], high[3];
};
struct RaySphere {
  double center[3], radius;
};
struct RayRange {
  float near, far;
};

// near, far: where rays are within the shape and the range; both 0 where that is nowhere, or a ray has no direction or
// is NaN. Directions may have any length; t counts in it.
template <class Shape>
void clip_rays(const Shape& shape, const RayRange& range, const float* origins, const float* directions,
               std::int64_t rows, float* near, float* far, int num_threads);

// Pixels of `count` images one after the other; with weights, how often each comes. Entry i of `cumulative` is the sum
// of weights 0 to i, and guide[b] the first entry above b << shift.
struct PixelTable {
  std::int64_t images, height, width;
  const std::int64_t *cumulative, *guide;  // null: all alike
  int shift;
};

// images (rows) and pixels (rows, 2), the centres of pixels. Row i depends on seed, step and i alone.
void sample_pixels(const PixelTable& table, std::uint64_t seed, std::uint64_t step, std::int64_t rows,
                   std::int64_t* images, float* pixels, int num_threads);

}  // namespace fastcv::nerf
