// SPDX-License-Identifier: Apache-2.0
// Correspondences as structure of arrays for vector loops, padded with NaN so that padding never counts as an inlier.
#pragma once

#include <cstdint>

namespace fastcv::geometry {

// Vector loops work on this many correspondences at once on every instruction set, so that sums come out alike.
constexpr int kLanes = 16;

// Borrowed; column k of correspondence i is data[k * stride + i], stride a multiple of kLanes.
template <class T>
struct Columns {
  const T* data;
  std::int64_t rows, stride;
};

// How well a model explains the correspondences. score = Σ max(0, 1 - error² / threshold²): MSAC's truncated quadratic
// (Torr & Zisserman 2000) turned around, so that more is better and 0 is no inlier at all.
struct Consensus {
  double score;
  std::int64_t num_inliers;
};

enum class Residual { sampson, transfer, reprojection };

// Sums of a Gauss-Newton step over the inliers: upper triangle of JᵀJ by rows, Jᵀ(gain r), and as score Σ gain².
struct NormalEquations {
  static constexpr int kMaxTangent = 9;
  double hessian[kMaxTangent * (kMaxTangent + 1) / 2];
  double gradient[kMaxTangent];
  Consensus consensus;
};

}  // namespace fastcv::geometry
