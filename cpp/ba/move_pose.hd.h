// SPDX-License-Identifier: Apache-2.0
// A step of a pose.
#pragma once

#include "camera/rotation.hd.h"

namespace fastcv::FASTCV_ISA::ba {

// exp(w) R and the translation of the centre moved by v: x_cam = exp(w) R (X - C - v), twist = (w, v). In place too.
FASTCV_HD void move_pose(const double* pose, const double* twist, double* out) {
  const Vec3<double> w{twist[0], twist[1], twist[2]};
  double shifted[3], turned[12];
  for (int r = 0; r < 3; ++r) {
    shifted[r] = pose[4 * r + 3] - (pose[4 * r] * twist[3] + pose[4 * r + 1] * twist[4] + pose[4 * r + 2] * twist[5]);
  }
  for (int c = 0; c < 4; ++c) {
    const Vec3<double> column =
        c < 3 ? Vec3<double>{pose[c], pose[4 + c], pose[8 + c]} : Vec3<double>{shifted[0], shifted[1], shifted[2]};
    const Vec3<double> moved = rotate(w, column);
    turned[c] = moved.x;
    turned[4 + c] = moved.y;
    turned[8 + c] = moved.z;
  }
  for (int i = 0; i < 12; ++i) out[i] = turned[i];
}

}  // namespace fastcv::FASTCV_ISA::ba
