// SPDX-License-Identifier: Apache-2.0
// What our own solvers agree on, on a CPU and on a GPU.
#pragma once

#include <cmath>
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

// Conjugate gradients: how exactly they solve (see below), and how many there may be in one solution.
constexpr double kForcing = 0.1;
constexpr int kMostGradients = 500;
constexpr std::int64_t kMostEntries = std::int64_t(1) << 28;  // of a factor that nobody asked for: 2 GiB

// Tells when conjugate gradients have solved A x = b: where the last four iterations together gained less than
// `tolerance` of what the quadratic model 1/2 xᵀ A x - bᵀ x gained in all. That is an estimate of the error four
// iterations before; source: Strakoš & Tichý 2002, "On error estimation in the conjugate gradient method", section 4.
class Gains {
 public:
  explicit Gains(double tolerance) : tolerance_(tolerance) {}
  bool are_enough_with(double gain) {
    all_ += gain;
    last_[count_++ % kDelay] = gain;
    return count_ >= kDelay && last_[0] + last_[1] + last_[2] + last_[3] < tolerance_ * all_;
  }

 private:
  static constexpr int kDelay = 4;
  const double tolerance_;
  double all_ = 0, last_[kDelay] = {};
  int count_ = 0;
};

}  // namespace fastcv::ba
