// SPDX-License-Identifier: Apache-2.0
// From an essential matrix to the relative pose.
#pragma once

#include "core/view.h"
#include "geometry/model.h"

namespace fastcv::geometry {

// The four [R | t] with E ~ [t]ₓ R and |t| = 1: (R1, t), (R1, -t), (R2, t), (R2, -t).
// Hartley & Zisserman 2004, result 9.19.
void decompose_essential(const Matrix3& essential, Pose* poses);

// Whether the point seen along two rays (x, y, 1) lies in front of both cameras. A point whose rays are parallel within
// min_parallax (radians) may lie at infinity and counts as in front.
bool in_front(const Pose& cam2_from_cam1, const double* ray1, const double* ray2, double min_parallax);

}  // namespace fastcv::geometry
