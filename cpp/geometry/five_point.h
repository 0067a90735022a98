// SPDX-License-Identifier: Apache-2.0
// Essential matrices from five correspondences.
#pragma once

#include "geometry/model.h"

namespace fastcv::geometry {

constexpr int kMaxEssentials = 10;

// rays1, rays2: five directions in each camera, 3 values a ray, of any length. Writes the real solutions of
// ray2ᵀ E ray1 = 0 with unit Frobenius norm and returns their number.
int five_point(const double* rays1, const double* rays2, Matrix3* essentials);

}  // namespace fastcv::geometry
