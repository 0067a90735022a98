// SPDX-License-Identifier: Apache-2.0
// Camera models: camera-frame point to pixel. Names and parameter order are COLMAP's.
#pragma once

#include "camera/vec.hd.h"

namespace fastcv::FASTCV_ISA {

// fx, fy, cx, cy. Source: Hartley & Zisserman 2004, eq. 6.9. Points with z == 0 give inf or NaN.
struct Pinhole {
  static constexpr int kNumParams = 4;

  template <class T>
  static FASTCV_HD Vec2<T> project(const T* params, const Vec3<T>& point_in_cam) {
    const T inv_z = T(1) / point_in_cam.z;
    return {params[0] * point_in_cam.x * inv_z + params[2], params[1] * point_in_cam.y * inv_z + params[3]};
  }
};

}  // namespace fastcv::FASTCV_ISA
