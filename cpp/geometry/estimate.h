// SPDX-License-Identifier: Apache-2.0
// Robust estimation of two-view geometry and of camera poses from correspondences with outliers.
#pragma once

#include "core/view.h"
#include "geometry/model.h"
#include "geometry/ransac.h"

namespace fastcv::geometry {

// Every function needs at least its minimal sample of rows (7, 4, 5, 3); the model is NaN where none was found
// (consensus.num_inliers == 0). inliers: one byte a correspondence. Weights: pixels per normalised unit around each
// observation, which turn the threshold's pixels into the observation's units.

RansacResult estimate_fundamental(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                  const RansacOptions& options, Matrix3* fundamental, bool* inliers);

RansacResult estimate_homography(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                 const RansacOptions& options, Matrix3* homography, bool* inliers);

// Points are normalised, (x, y) of a ray (x, y, 1). Also gives the pose that most inliers are in front of; inliers
// behind a camera are no longer counted.
RansacResult estimate_relative_pose(Rows<const double, 2> points1, Rows<const double, 2> points2,
                                    const double* weights1, const double* weights2, const RansacOptions& options,
                                    Matrix3* essential, Pose* cam2_from_cam1, bool* inliers);

RansacResult estimate_absolute_pose(Rows<const double, 2> points2D, Rows<const double, 3> points3D,
                                    const double* weights, const RansacOptions& options, Pose* cam_from_world,
                                    bool* inliers);

}  // namespace fastcv::geometry
