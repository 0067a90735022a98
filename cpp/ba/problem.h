// SPDX-License-Identifier: Apache-2.0
// A bundle adjustment problem as borrowed arrays. Every index in it has been checked by the caller.
#pragma once

#include "ba/loss.hd.h"
#include "core/view.h"

namespace fastcv::ba {

// Gaussian knowledge of poses, projection centres or points, sorted by row: the residual is whitening * error, with the
// error of priors.hd.h and whiteningᵀ whitening the inverse covariance.
struct Priors {
  View<const std::int32_t, 1> rows;  // (M,) of an image or a point
  View<const double, 2> values;      // (M, 12) [R | t], or (M, 3)
  View<const double, 3> whitening;   // (M, D, D), D = 6 or 3
  RobustLoss loss;

  std::int64_t size() const { return rows.shape[0]; }
};

// Of single intrinsic parameters: the residual is weight * (parameter - value).
struct ParamsPriors {
  View<const std::int32_t, 1> images;   // (M,) an image of the camera, the same for all of a camera's priors
  View<const std::int32_t, 1> indices;  // (M,) which of the camera's parameters
  View<const double, 1> values, weights;

  std::int64_t size() const { return images.shape[0]; }
};

// Cameras on a rigid mount. The images of a frame, one moment of a rig, move together: cam_from_world = sensor_from_rig
// rig_from_world. All empty where there is no rig.
struct Rigs {
  View<const std::int32_t, 1> image_frames;   // (I,)
  View<const std::int32_t, 1> image_sensors;  // (I,), -1 for the identity: of a rig's reference, or outside rigs
  Rows<double, 12> rig_from_world;            // (F, 3, 4)
  Rows<double, 12> sensor_from_rig;           // (S, 3, 4)
  Rows<const bool, 6> sensor_free;            // (S, 6), (w, v)
};

struct Problem {
  // Intrinsics, one row per physical camera; images may share a row.
  View<const std::int32_t, 1> camera_models;  // (C,) model ids
  View<const std::int64_t, 1> param_offsets;  // (C + 1,) where each camera's parameters start in `params`
  View<double, 1> params;
  View<const bool, 1> params_free;
  // Images. A pose has 6 degrees of freedom: w and v in x_cam = exp(w) R (X - C - v), with C the projection centre.
  View<const std::int32_t, 1> image_cameras;  // (I,)
  Rows<double, 12> cam_from_world;            // (I, 3, 4), [R | t]
  Rows<const bool, 6> pose_free;              // (F, 6), (w, v), of the frames: without rigs, of the images
  // Points in the world frame.
  Rows<double, 3> points;  // (N, 3)
  View<const bool, 1> points_free;
  // Observations. The residual is weight * (projection - observation), with weight = 1/sigma; where there is whitening,
  // that times [s0 0; s1 s2].
  View<const std::int32_t, 1> image_indices;  // (K,)
  View<const std::int32_t, 1> point_indices;  // (K,)
  Rows<const double, 2> observations;         // (K, 2) pixels
  View<const double, 1> weights;              // (K,)
  Rows<const double, 3> whitening{};          // (K, 3) or (0, 3)
  Priors pose_priors{}, position_priors{}, point_priors{};
  ParamsPriors params_priors{};
  Rigs rigs{};

  std::int64_t num_cameras() const { return camera_models.shape[0]; }
  std::int64_t num_images() const { return cam_from_world.rows; }
  // An image that is in no rig is a frame of its own.
  std::int64_t num_frames() const { return pose_free.rows; }
  Rows<double, 12> frames() const { return has_rigs() ? rigs.rig_from_world : cam_from_world; }
  std::int64_t frame(std::int64_t image) const { return has_rigs() ? rigs.image_frames(image) : image; }
  std::int32_t sensor(std::int64_t image) const { return has_rigs() ? rigs.image_sensors(image) : -1; }
  bool has_rigs() const { return rigs.image_frames.shape[0] > 0; }
  std::int64_t num_points() const { return points.rows; }
  std::int64_t num_observations() const { return observations.rows; }
};

}  // namespace fastcv::ba
