// SPDX-License-Identifier: Apache-2.0
// What the coarse space of the reduced system consists of: the modes of its clusters.
#include <algorithm>
#include <cmath>

#include "ba/coarse_space.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = CoarseSpace::kPose, kModes = CoarseSpace::kModes;
// What the earlier modes of a cluster leave of one, squared, below which it says nothing of its own.
constexpr double kIndependent = 1e-10;

// Turns about `middle`, x -> x + a x (x - middle), shifts and growth of the world, as (6, 7): they move the frame's
// centre alike, and turn it by w = -R a.
void move_with_world(const double* pose, const double* center, const double* middle, double* p) {
  double d[3];
  for (int c = 0; c < 3; ++c) d[c] = center[c] - middle[c];
  const double across[3][3] = {{0, d[2], -d[1]}, {-d[2], 0, d[0]}, {d[1], -d[0], 0}};  // [d]ₓᵀ
  std::fill_n(p, kPose * kModes, 0.0);
  for (int r = 0; r < 3; ++r) {
    double* shift = p + (3 + r) * kModes;
    for (int c = 0; c < 3; ++c) {
      p[r * kModes + c] = -pose[4 * r + c];
      shift[c] = across[r][c];
    }
    shift[3 + r] = 1;
    shift[6] = d[r];
  }
}

}  // namespace

void CoarseSpace::make_modes(const std::vector<std::int32_t>& frames, const double* poses) {
  std::vector<double> centers;
  double middle[3] = {};
  for (const std::int32_t frame : frames) {
    const double* pose = poses + 12 * std::int64_t(frame);
    for (int c = 0; c < 3; ++c) {
      centers.push_back(-(pose[c] * pose[3] + pose[4 + c] * pose[7] + pose[8 + c] * pose[11]));
      middle[c] += centers.back() / static_cast<double>(frames.size());
    }
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::int64_t frame = frames[i];
    double* p = modes_.data() + frame * kPose * kModes;
    move_with_world(poses + 12 * frame, centers.data() + 3 * i, middle, p);
    for (int r = 0; r < kPose; ++r) {
      if (unknowns_.of_frame(frame)[r] < 0) std::fill_n(p + r * kModes, kModes, 0.0);
    }
  }
}

// Gram-Schmidt. Modes that others imply, such as the growth of a single frame, become zero.
void CoarseSpace::orthonormalize(std::int32_t cluster, const double* metric) {
  const auto for_each_row = [&](const auto& f) {
    for (const std::int64_t frame : frames_[cluster]) {
      for (int r = 0; r < kPose; ++r) {
        const std::int32_t unknown = unknowns_.of_frame(frame)[r];
        if (unknown >= 0) f(modes_.data() + (frame * kPose + r) * kModes, metric[unknown]);
      }
    }
  };
  for (int m = 0; m < kModes; ++m) {
    double before = 0, rest = 0;
    for_each_row([&](const double* row, double weight) { before += weight * row[m] * row[m]; });
    for (int k = 0; k < m; ++k) {
      double share = 0;
      for_each_row([&](const double* row, double weight) { share += weight * row[m] * row[k]; });
      for_each_row([&](double* row, double) { row[m] -= share * row[k]; });
    }
    for_each_row([&](const double* row, double weight) { rest += weight * row[m] * row[m]; });
    const double factor = rest > kIndependent * before ? 1 / std::sqrt(rest) : 0;
    for_each_row([&](double* row, double) { row[m] *= factor; });
  }
  for (int a = 0; a < num_intrinsics_; ++a) {
    double sum = 0;
    for (const std::int64_t image : images_[cluster]) {
      const std::int32_t unknown = own_[image * num_intrinsics_ + a];
      if (unknown >= 0) sum += metric[unknown];
    }
    for (const std::int64_t image : images_[cluster]) {
      const std::int64_t at = image * num_intrinsics_ + a;
      shares_[at] = own_[at] >= 0 ? 1 / std::sqrt(sum) : 0;
    }
  }
}

}  // namespace fastcv::ba
