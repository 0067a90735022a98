// SPDX-License-Identifier: Apache-2.0
// Inverse depth of a reference pixel on one surface of a sweep.
#pragma once

#include "core/lanes.hd.h"
#include "mvs/sweep.h"

namespace fastcv::FASTCV_ISA {

// Whether all of the reference sees the plane in front of it, so that a homography maps it to a source.
FASTCV_HD bool is_plane(const mvs::Hypotheses& h, std::int64_t index, std::int64_t height, std::int64_t width) {
  const float *p = h.planes + 3 * index, x = float(width - 1), y = float(height - 1);
  return h.bounds == nullptr && p[2] > 0.0F && p[0] * x + p[2] > 0.0F && p[1] * y + p[2] > 0.0F &&
         p[0] * x + (p[1] * y + p[2]) > 0.0F;
}

// NaN where the surface is not in front of the camera. near and far are a pixel's bounds.
template <class F>
FASTCV_HD F inverse_depth_between(const float* plane, F x, float y, F near, F far) {
  const F w = near + (far - near) * (plane[0] * x + (plane[1] * y + plane[2]));
  return select(w > 0.0F, w, F{} + __builtin_nanf(""));
}
template <class F>
FASTCV_HD F inverse_depth_of(const float* plane, F x, float y) {
  const F w = plane[0] * x + (plane[1] * y + plane[2]);
  return select(w > 0.0F, w, F{} + __builtin_nanf(""));
}

FASTCV_HD float inverse_depth(const mvs::Hypotheses& h, std::int64_t index, std::int64_t height, std::int64_t width,
                              std::int64_t x, std::int64_t y) {
  const float* plane = h.planes + 3 * index;
  if (h.bounds == nullptr) return inverse_depth_of(plane, float(x), float(y));
  const float* bounds = h.bounds + y * width + x;
  return inverse_depth_between(plane, float(x), float(y), bounds[0], bounds[height * width]);
}

}  // namespace fastcv::FASTCV_ISA
