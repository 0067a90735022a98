// SPDX-License-Identifier: Apache-2.0
// How the pose of an image follows from those of its rig and its sensor, shared by every solver.
#pragma once

#include "ba/reprojection.hd.h"

namespace fastcv::FASTCV_ISA::ba {

// sensor_from_rig rig_from_world, row-major 3×4 [R | t].
FASTCV_HD void compose_pose(const double* sensor_from_rig, const double* rig_from_world, double* cam_from_world) {
  for (int r = 0; r < 3; ++r) {
    const double* s = sensor_from_rig + 4 * r;
    for (int c = 0; c < 4; ++c) {
      cam_from_world[4 * r + c] =
          s[0] * rig_from_world[c] + s[1] * rig_from_world[4 + c] + s[2] * rig_from_world[8 + c];
    }
    cam_from_world[4 * r + 3] += s[3];
  }
}

// The derivative of an image's (w, v) by its frame's and its sensor's. With the poses x_rig = exp(w_f) R_f (X - C_f -
// v_f) and x_cam = exp(w_s) R_s (x_rig - c_s - v_s), to first order
//   w = R_s w_f + w_s,  v = v_f + R_fᵀ (c_s × w_f) + R_fᵀ v_s,
// for the image turns with both, and its centre is where x_rig = c_s + v_s.
struct PoseMap {
  double turn[9], lever[9], axes[9];  // R_s, R_fᵀ [c_s]×, R_fᵀ

  static FASTCV_HD PoseMap at(const double* sensor_from_rig, const double* rig_from_world) {
    const double *s = sensor_from_rig, *f = rig_from_world;
    double c[3];  // -R_sᵀ t_s
    for (int i = 0; i < 3; ++i) c[i] = -(s[i] * s[3] + s[4 + i] * s[7] + s[8 + i] * s[11]);
    const double cross[9] = {0, -c[2], c[1], c[2], 0, -c[0], -c[1], c[0], 0};
    PoseMap map;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        map.turn[3 * i + j] = s[4 * i + j];
        map.axes[3 * i + j] = f[4 * j + i];
        map.lever[3 * i + j] = f[i] * cross[j] + f[4 + i] * cross[3 + j] + f[8 + i] * cross[6 + j];
      }
    }
    return map;
  }

  // (w, v) of an image from those of its frame and its sensor.
  FASTCV_HD void push(const double* frame, const double* sensor, double* image) const {
    for (int i = 0; i < 3; ++i) {
      image[i] = sensor[i] + row(turn, i, frame);
      image[3 + i] = frame[3 + i] + row(lever, i, frame) + row(axes, i, sensor + 3);
    }
  }
  // The transpose: derivatives by the pose of an image to those by its frame's and its sensor's.
  FASTCV_HD void pull(const double* image, double* frame, double* sensor) const {
    double f[6], s[6];  // the image's may lie where the frame's go
    for (int j = 0; j < 3; ++j) {
      f[j] = column(turn, j, image) + column(lever, j, image + 3);
      f[3 + j] = image[3 + j];
      s[j] = image[j];
      s[3 + j] = column(axes, j, image + 3);
    }
    for (int j = 0; j < 6; ++j) {
      frame[j] = f[j];
      sensor[j] = s[j];
    }
  }

 private:
  static FASTCV_HD double row(const double* m, int i, const double* x) {
    return m[3 * i] * x[0] + m[3 * i + 1] * x[1] + m[3 * i + 2] * x[2];
  }
  static FASTCV_HD double column(const double* m, int j, const double* x) {
    return m[j] * x[0] + m[3 + j] * x[1] + m[6 + j] * x[2];
  }
};

}  // namespace fastcv::FASTCV_ISA::ba
