// SPDX-License-Identifier: Apache-2.0
// A bundle adjustment problem as borrowed arrays. Every index in it has been checked by the caller.
#pragma once

#include "core/view.h"

namespace fastcv::ba {

struct Problem {
  // Intrinsics, one row per physical camera; images may share a row.
  View<const std::int32_t, 1> camera_models;  // (C,) model ids
  View<const std::int64_t, 1> param_offsets;  // (C + 1,) where each camera's parameters start in `params`
  View<double, 1> params;
  View<const bool, 1> params_free;
  // Images. A pose has 6 degrees of freedom: w and v in x_cam = exp(w) R (X - C - v), with C the projection centre.
  View<const std::int32_t, 1> image_cameras;  // (I,)
  Rows<double, 12> cam_from_world;            // (I, 3, 4), [R | t]
  Rows<const bool, 6> pose_free;              // (I, 6), (w, v)
  // Points in the world frame.
  Rows<double, 3> points;  // (N, 3)
  View<const bool, 1> points_free;
  // Observations. The residual is weight * (projection - observation), with weight = 1/sigma.
  View<const std::int32_t, 1> image_indices;  // (K,)
  View<const std::int32_t, 1> point_indices;  // (K,)
  Rows<const double, 2> observations;         // (K, 2) pixels
  View<const double, 1> weights;              // (K,)

  std::int64_t num_cameras() const { return camera_models.shape[0]; }
  std::int64_t num_images() const { return cam_from_world.rows; }
  std::int64_t num_points() const { return points.rows; }
  std::int64_t num_observations() const { return observations.rows; }
};

}  // namespace fastcv::ba
