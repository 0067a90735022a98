// SPDX-License-Identifier: Apache-2.0
// Which triangle each pixel shows, how far it is and where in it the pixel lies.
#pragma once

#include "core/view.h"

namespace fastcv::meshes {

// vertices: (N, 3) homogeneous pixels (x w, y w, w), where w is depth; behind the camera too. faces: (F, 3).
struct Triangles {
  View<const double, 2> vertices;
  View<const std::int32_t, 2> faces;
};

// (height, width): depth of the nearest triangle at the pixel's centre, 0 for none; its number, -1 for none; and
// weights of its corners there, linear in space, (height, width, 3).
struct Raster {
  std::int64_t height, width;
  float* depth;
  std::int32_t* faces;
  float* weights;
};

// Triangles that share an edge leave no gap along it; the first of several at the same depth wins, whatever the number
// of threads. What passes behind the camera is shown as far as it lies in front.
void rasterize(const Triangles& triangles, const Raster& raster, int num_threads);

}  // namespace fastcv::meshes
