// SPDX-License-Identifier: Apache-2.0
// Does another view's depth map agree with the depth of a pixel? Forward-backward reprojection.
#pragma once

#include "camera/vec.hd.h"
#include "mvs/consistency.h"

namespace fastcv::FASTCV_ISA {

// The position and depth in another view, times depth: (u d, v d, d).
FASTCV_HD Vec3<double> transfer(const double* t, double x, double y, double depth) {
  return {(t[0] * x + t[1] * y + t[2]) * depth + t[9], (t[3] * x + t[4] * y + t[5]) * depth + t[10],
          (t[6] * x + t[7] * y + t[8]) * depth + t[11]};
}

// Index of the pixel of `other` that shows the same surface as (x, y) at this depth, or -1. The depth there is carried
// back along the ray through the exact position, not through the pixel's centre, so that only depth is judged.
// Source: Schönberger et al. 2016, "Pixelwise view selection for unstructured MVS", eq. 10; Yao et al. 2018, sec. 4.2.
FASTCV_HD std::int64_t consistent_pixel(const mvs::Neighbor& other, const mvs::Consistency& rule, double x, double y,
                                        double depth) {
  const Vec3<double> there = transfer(other.from_reference, x, y, depth);
  const double u = there.x / there.z, v = there.y / there.z;
  if (!(there.z > 0 && u >= 0 && v >= 0 && u < double(other.depth.shape[1]) && v < double(other.depth.shape[0])))
    return -1;
  const std::int64_t pixel = static_cast<std::int64_t>(v) * other.depth.shape[1] + static_cast<std::int64_t>(u);
  const double other_depth = other.depth.data[pixel];
  if (!(other_depth > 0)) return -1;
  const Vec3<double> back = transfer(other.to_reference, u, v, other_depth);
  const double dx = back.x / back.z - x, dy = back.y / back.z - y, dz = back.z - depth;
  const bool agrees = back.z > 0 && dx * dx + dy * dy <= rule.max_reprojection_px * rule.max_reprojection_px &&
                      (dz < 0 ? -dz : dz) <= rule.max_relative_depth * depth;
  return agrees ? pixel : -1;
}

// Keeps the depth of a pixel that enough neighbours confirm.
struct FilterOne {
  View<const float, 2> depth;
  mvs::Neighbors neighbors;
  mvs::Consistency rule;
  float* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const double d = depth.data[i];
    int confirmed = 0;
    if (d > 0) {
      const double x = double(i % depth.shape[1]) + 0.5, y = double(i / depth.shape[1]) + 0.5;
      for (int k = 0; k < neighbors.count && confirmed < rule.min_consistent; ++k) {
        if (consistent_pixel(neighbors.views[k], rule, x, y, d) >= 0) ++confirmed;
      }
    }
    out[i] = d > 0 && confirmed >= rule.min_consistent ? float(d) : 0.0F;
  }
};

}  // namespace fastcv::FASTCV_ISA
