// SPDX-License-Identifier: Apache-2.0
// The modes of the clusters, about the poses of frames and orthonormal in a metric.
#include "ba/coarse_modes.hd.h"

#include <cmath>

#include "ba/coarse_space.h"
#include "ba/priors.hd.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = CoarseSpace::kPose, kModes = CoarseSpace::kModes;

}  // namespace

void CoarseSpace::make_modes(std::int32_t cluster, const double* poses) {
  const std::vector<std::int32_t>& frames = clusters_.frames(cluster);
  std::vector<double> centers(3 * frames.size());
  double middle[3] = {};
  for (std::size_t i = 0; i < frames.size(); ++i) {
    double* center = centers.data() + 3 * i;
    generic::ba::projection_center(poses + 12 * std::int64_t(frames[i]), center);
    for (int c = 0; c < 3; ++c) middle[c] += center[c] / static_cast<double>(frames.size());
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::int64_t frame = frames[i];
    for (int r = 0; r < kPose; ++r) {
      double* row = modes_.data() + (frame * kPose + r) * kModes;
      generic::ba::move_with_world(poses + 12 * frame, centers.data() + 3 * i, middle, r, row);
      if (unknowns_.of_frame(frame)[r] < 0) std::fill_n(row, kModes, 0.0);
    }
  }
}

void CoarseSpace::orthonormalize(std::int32_t cluster, const double* metric) {
  const auto for_each_row = [&](const auto& f) {
    for (const std::int64_t frame : clusters_.frames(cluster)) {
      for (int r = 0; r < kPose; ++r) {
        const std::int32_t unknown = unknowns_.of_frame(frame)[r];
        if (unknown >= 0) f(modes_.data() + (frame * kPose + r) * kModes, metric[unknown]);
      }
    }
  };
  double gram[kModes * kModes] = {};
  for_each_row([&](const double* row, double weight) {
    for (int m = 0; m < kModes; ++m) {
      for (int k = 0; k <= m; ++k) gram[m * kModes + k] += weight * row[m] * row[k];
    }
  });
  generic::ba::orthonormalize(gram, kModes);
  for_each_row([&](double* row, double) { generic::ba::combine_modes(gram, kModes, row); });
  const int num_intrinsics = clusters_.num_intrinsics();
  for (int a = 0; a < num_intrinsics; ++a) {
    double sum = 0;
    for (const std::int64_t image : clusters_.images(cluster)) {
      const std::int32_t unknown = clusters_.own(image)[a];
      if (unknown >= 0) sum += metric[unknown];
    }
    for (const std::int64_t image : clusters_.images(cluster)) {
      shares_[image * num_intrinsics + a] = clusters_.own(image)[a] >= 0 ? 1 / std::sqrt(sum) : 0;
    }
  }
}

}  // namespace fastcv::ba
