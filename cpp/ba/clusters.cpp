// SPDX-License-Identifier: Apache-2.0
#include "ba/clusters.h"

#include <algorithm>

#include "ba/cluster_frames.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = generic::ba::kPoseSize, kModes = generic::ba::kModes;

}  // namespace

Clusters::Clusters(const Equations& equations, const Unknowns& unknowns)
    : equations_(equations),
      unknowns_(unknowns),
      num_intrinsics_(std::min(equations.columns - kPose, kMostColumns - kModes)) {
  find_own_intrinsics();
}

void Clusters::find_own_intrinsics() {
  std::vector<int> users(unknowns_.count(), 0);
  const auto intrinsics = [&](std::int64_t image) { return unknowns_.of_image(image) + kPose; };
  for (std::int64_t i = 0; i < equations_.num_images; ++i) {
    for (int a = 0; a < num_intrinsics_; ++a) {
      if (intrinsics(i)[a] >= 0) ++users[intrinsics(i)[a]];
    }
  }
  for (std::int64_t i = 0; i < equations_.num_images; ++i) {
    for (int a = 0; a < num_intrinsics_; ++a) {
      const std::int32_t unknown = intrinsics(i)[a];
      own_.push_back(unknown >= 0 && users[unknown] == 1 ? unknown : -1);
    }
  }
  if (std::all_of(own_.begin(), own_.end(), [](std::int32_t unknown) { return unknown < 0; })) num_intrinsics_ = 0;
}

void Clusters::make(int size) {
  std::vector<bool> wanted(unknowns_.num_frames());
  const auto any_free = [](const std::int32_t* begin, std::int64_t count) {
    return std::any_of(begin, begin + count, [](std::int32_t unknown) { return unknown >= 0; });
  };
  for (std::int64_t f = 0; f < unknowns_.num_frames(); ++f) wanted[f] = any_free(unknowns_.of_frame(f), kPose);
  for (std::int64_t i = 0; i < equations_.num_images; ++i) {
    if (any_free(own(i), num_intrinsics_)) wanted[unknowns_.frame(i)] = true;
  }
  of_frame_ = cluster_frames(equations_, unknowns_, wanted, size);
  const auto count = 1 + *std::max_element(of_frame_.begin(), of_frame_.end());
  frames_.assign(count, {});
  images_.assign(count, {});
  for (std::int32_t f = 0; f < unknowns_.num_frames(); ++f) {
    if (of_frame_[f] >= 0) frames_[of_frame_[f]].push_back(f);
  }
  for (std::int32_t i = 0; i < equations_.num_images; ++i) {
    if (of_image(i) >= 0) images_[of_image(i)].push_back(i);
  }
}

}  // namespace fastcv::ba
