// SPDX-License-Identifier: Apache-2.0
// The reprojection residual of one observation and its derivatives, shared by every solver.
#pragma once

#include "camera/models.hd.h"

namespace fastcv::FASTCV_ISA::ba {

// Degrees of freedom of a pose: a rotation vector w in the camera frame and a shift v of the projection centre in the
// world frame, x_cam = exp(w) R (X - C - v). The camera turns about itself, wherever the world's origin is, so that
// both halves stay nearly independent; and v moves the residual as the point does, with the other sign.
constexpr int kPoseSize = 6;

template <class Model, class T>
struct PointInCamera {
  T x[3];
  Vec3<T> seen;  // what the camera model gets: always z > 0, or z == 0 on the camera plane, unless it is spherical
  T side;        // 1 in front of the camera, -1 behind it

  // Camera models give NaN behind the camera, where an optimiser may pass through and BAL's problems start. There the
  // image is that of the opposite point, on the same line of sight: for perspective lenses BAL's own (x/z, y/z). A
  // spherical model sees what is behind.
  FASTCV_HD PointInCamera(const T* cam_from_world, const T* point) {
    for (int r = 0; r < 3; ++r) {
      const T* row = cam_from_world + 4 * r;
      x[r] = row[0] * point[0] + row[1] * point[1] + row[2] * point[2] + row[3];
    }
    side = !Model::kSpherical && x[2] < T(0) ? T(-1) : T(1);
    seen = {side * x[0], side * x[1], side * x[2]};
  }
};

// Whole turns from an observation to a projection: a panorama closes on itself, and a point that is seen near one side
// of it may come out at the other.
template <class T>
FASTCV_HD T turns_between(const T* params, T projected_x, T observed_x) {
  using std::floor;
  return floor((projected_x - observed_x) / params[0] + T(0.5));
}

// residual = weight * (projection - observed) with weight = 1/sigma; cam_from_world is a row-major 3×4 [R | t]. On the
// camera plane (depth 0) it is NaN, unless the model is spherical.
template <class Model, class T>
FASTCV_HD void reprojection_residual(const T* cam_from_world, const T* params, const T* point, const T* observed,
                                     T weight, T* residual) {
  const PointInCamera<Model, T> camera_point(cam_from_world, point);
  Vec2<T> pixel = Model::project(params, camera_point.seen);
  if constexpr (Model::kSpherical) pixel.x -= params[0] * turns_between(params, pixel.x, observed[0]);
  residual[0] = weight * (pixel.x - observed[0]);
  residual[1] = weight * (pixel.y - observed[1]);
}

// Multiplies two rows of `count` numbers, `stride` apart, by [s0 0; s1 s2]: residuals, or their Jacobian, by the root
// of the observation's information.
template <class T>
FASTCV_HD void whiten(const T* s, T* row0, T* row1, int count, int stride = 1) {
  for (int c = 0; c < count * stride; c += stride) {
    row1[c] = s[1] * row0[c] + s[2] * row1[c];
    row0[c] *= s[0];
  }
}

// As reprojection_residual, with the derivatives at w = v = 0 in one row-major 2×(6 + P) block of columns w, v, params,
// and by the point in a 2×3 block. d(x_cam)/dw = -[x_cam]×, so a row a of d(pixel)/d(x_cam) becomes x_cam × a.
template <class Model, class T>
FASTCV_HD void reprojection_jacobian(const T* cam_from_world, const T* params, const T* point, const T* observed,
                                     T weight, T* residual, T* d_camera, T* d_point) {
  constexpr int kColumns = kPoseSize + Model::kNumParams;
  const PointInCamera<Model, T> camera_point(cam_from_world, point);
  T d_seen[6], d_params[2 * Model::kNumParams];
  Vec2<T> pixel = Model::project_jacobian(params, camera_point.seen, d_seen, d_params);
  if constexpr (Model::kSpherical) {
    const T turns = turns_between(params, pixel.x, observed[0]);
    pixel.x -= params[0] * turns;
    d_params[0] -= turns;
  }
  residual[0] = weight * (pixel.x - observed[0]);
  residual[1] = weight * (pixel.y - observed[1]);
  const T* x = camera_point.x;
  const T scale = weight * camera_point.side;
  for (int r = 0; r < 2; ++r) {
    const T a[3] = {scale * d_seen[3 * r], scale * d_seen[3 * r + 1], scale * d_seen[3 * r + 2]};
    T* row = d_camera + kColumns * r;
    row[0] = x[1] * a[2] - x[2] * a[1];
    row[1] = x[2] * a[0] - x[0] * a[2];
    row[2] = x[0] * a[1] - x[1] * a[0];
    for (int c = 0; c < 3; ++c) {
      d_point[3 * r + c] = a[0] * cam_from_world[c] + a[1] * cam_from_world[4 + c] + a[2] * cam_from_world[8 + c];
      row[3 + c] = -d_point[3 * r + c];
    }
    for (int c = 0; c < Model::kNumParams; ++c) row[kPoseSize + c] = weight * d_params[Model::kNumParams * r + c];
  }
}

}  // namespace fastcv::FASTCV_ISA::ba
