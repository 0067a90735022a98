// SPDX-License-Identifier: Apache-2.0
// Camera poses from 2D-3D correspondences.
#pragma once

#include "core/view.h"
#include "geometry/model.h"

namespace fastcv::geometry {

constexpr int kMaxP3pPoses = 4;

// rays: three directions in the camera, of any length; points: three world points. Writes the poses that see every
// point at a positive distance along its ray and returns their number.
int p3p(const double* rays, const double* points, Pose* poses);

// Direct linear transform for six or more points, with the rotation made orthonormal. points2D: normalised (x, y).
// False where the points leave more than one solution (all in one plane).
bool dlt_pnp(Rows<const double, 2> points2D, Rows<const double, 3> points3D, Pose* pose);

}  // namespace fastcv::geometry
