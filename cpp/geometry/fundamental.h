// SPDX-License-Identifier: Apache-2.0
// Fundamental matrices: x2ᵀ F x1 = 0.
#pragma once

#include "core/view.h"
#include "geometry/model.h"

namespace fastcv::geometry {

constexpr int kMaxFundamentals = 3;

// Seven points each, in a range near 1. Writes up to three matrices of rank two and unit norm; returns their number.
int seven_point(const double* points1, const double* points2, Matrix3* fundamentals);

// Normalised eight-point algorithm for eight or more pixels. Returns false where they leave more than one solution
// (a plane, a line, repeated points). The result has rank two and unit norm.
bool eight_point(Rows<const double, 2> points1, Rows<const double, 2> points2, Matrix3* fundamental);

}  // namespace fastcv::geometry
