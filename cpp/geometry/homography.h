// SPDX-License-Identifier: Apache-2.0
// Homographies: x2 ~ H x1.
#pragma once

#include "core/view.h"
#include "geometry/model.h"

namespace fastcv::geometry {

// Four points each, in a range near 1. False where three of them are collinear or the plane is seen from behind.
bool four_point(const double* points1, const double* points2, Matrix3* homography);

// Normalised direct linear transform for four or more pixels. False where they leave more than one solution.
// The result has unit norm.
bool dlt_homography(Rows<const double, 2> points1, Rows<const double, 2> points2, Matrix3* homography);

}  // namespace fastcv::geometry
