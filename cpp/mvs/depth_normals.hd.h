// SPDX-License-Identifier: Apache-2.0
// Surface normal of one pixel of a depth map, from a plane through its neighbourhood.
#pragma once

#include <cmath>

#include "camera/vec.hd.h"
#include "core/view.h"

namespace fastcv::FASTCV_ISA {

// On a plane n . X = h the inverse depth is linear in the pixel: 1 / z = (n / h) . K^-1 (x, y, 1) = (a, b, c) . (x, y,
// 1), so n ~ K^T (a, b, c). The fit is least squares over a 5 x 5 window, without neighbours across a depth edge.
struct NormalOne {
  static constexpr int kRadius = 2;
  static constexpr double kMaxRelativeStep = 0.02;  // per pixel of distance; more is another surface

  View<const float, 2> depth;
  double K[9];  // upper triangular
  float* out;   // (height, width, 3), camera frame, towards the camera; 0 where there is no depth

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t x = i % depth.shape[1], y = i / depth.shape[1];
    const double z = depth.data[i];
    // Sums for the normal equations of w = a dx + b dy + c with w = z_centre / z - 1.
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0, sw = 0, swx = 0, swy = 0;
    for (std::int64_t dy = -kRadius; dy <= kRadius; ++dy) {
      for (std::int64_t dx = -kRadius; dx <= kRadius; ++dx) {
        if (y + dy < 0 || y + dy >= depth.shape[0] || x + dx < 0 || x + dx >= depth.shape[1]) continue;
        const double neighbor = depth(y + dy, x + dx);
        const double w = z / neighbor - 1, limit = kMaxRelativeStep * double(dx * dx > dy * dy ? dx * dx : dy * dy);
        if (!(neighbor > 0 && w * w <= limit * kMaxRelativeStep)) continue;
        n += 1, sx += dx, sy += dy, sxx += dx * dx, sxy += dx * dy, syy += dy * dy, sw += w, swx += w * dx,
            swy += w * dy;
      }
    }
    const double cxx = n * sxx - sx * sx, cxy = n * sxy - sx * sy, cyy = n * syy - sy * sy;
    const double bx = n * swx - sx * sw, by = n * swy - sy * sw, det = cxx * cyy - cxy * cxy;
    // Without a plane (fewer than three neighbours, or all on a line) the surface faces the camera.
    const double a = det > 0 ? (cyy * bx - cxy * by) / det : 0, b = det > 0 ? (cxx * by - cxy * bx) / det : 0;
    const double c = 1 - a * (x + 0.5) - b * (y + 0.5);
    write(i, det > 0 && z > 0, Vec3<double>{K[0] * a, K[1] * a + K[4] * b, K[2] * a + K[5] * b + c}, x, y, z > 0);
  }

 private:
  FASTCV_HD void write(std::int64_t i, bool fitted, Vec3<double> n, std::int64_t x, std::int64_t y, bool valid) const {
    if (!fitted) {  // against the ray K^-1 (x, y, 1)
      n.y = (y + 0.5 - K[5]) / K[4];
      n.x = (x + 0.5 - K[2] - K[1] * n.y) / K[0];
      n.z = 1;
    }
    // n . X = h with h > 0 points away from the camera, which sits at the origin.
    const double scale = valid ? -1 / std::sqrt(n.x * n.x + n.y * n.y + n.z * n.z) : 0;
    out[3 * i] = float(n.x * scale), out[3 * i + 1] = float(n.y * scale), out[3 * i + 2] = float(n.z * scale);
  }
};

}  // namespace fastcv::FASTCV_ISA
