// SPDX-License-Identifier: Apache-2.0
// What our own solvers agree on, on a CPU and on a GPU.
#pragma once

#include <cstdint>

namespace fastcv::ba {

// The damping is this share of the Hessian's diagonal and the rest its blocks by image. Diagonals alone depend on the
// choice of unknowns, such as the point that a camera turns about; with blocks, colmap-177 takes 9 iterations, not 24.
constexpr double kDiagonalShare = 0.01;
constexpr double kSmallestDiagonal = 1e-6;  // of the damping, as for the points

// Where the trust region begins. Long streets bend far in their first step: from 1e4 or 1e3, 1700 images end in a
// valley 1e-3 to 1e-2 above the one that 10 leads to.
constexpr double kInitialRadius = 1e4, kCautiousRadius = 10;
constexpr std::int64_t kManyImages = 500;
inline double initial_radius(bool iterative, std::int64_t num_images) {
  return iterative || num_images > kManyImages ? kCautiousRadius : kInitialRadius;
}

// Conjugate gradients: how exactly they solve (see their header), and how many there may be in one solution.
constexpr double kForcing = 0.1;
constexpr int kMostGradients = 500;

}  // namespace fastcv::ba
