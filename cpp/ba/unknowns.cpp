// SPDX-License-Identifier: Apache-2.0
#include "ba/unknowns.h"

#include <algorithm>

#include "ba/reprojection.hd.h"

namespace fastcv::ba {

Unknowns::Unknowns(const Problem& problem, int columns) : columns_(columns), node_begin_{0} {
  constexpr int kPose = generic::ba::kPoseSize;
  std::vector<int> users(problem.num_cameras(), 0);
  for (std::int64_t i = 0; i < problem.num_images(); ++i) ++users[problem.image_cameras(i)];
  of_image_.assign(problem.num_images() * columns, -1);
  std::int32_t next = 0;
  const auto number_camera = [&](std::int64_t camera, std::int32_t* to) {
    for (std::int64_t i = problem.param_offsets(camera); i < problem.param_offsets(camera + 1); ++i) {
      if (problem.params_free(i)) *to++ = next++;
    }
  };
  const auto end_node = [&] {
    if (next == node_begin_.back()) return;
    node_of_.resize(next, static_cast<std::int32_t>(num_nodes()));
    node_begin_.push_back(next);
  };
  std::vector<std::vector<std::int32_t>> shared(problem.num_cameras());
  for (std::int64_t c = 0; c < problem.num_cameras(); ++c) {
    if (users[c] < 2) continue;
    shared[c].assign(columns - kPose, -1);
    number_camera(c, shared[c].data());
    end_node();
  }
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    std::int32_t* row = of_image_.data() + i * columns;
    const std::int32_t camera = problem.image_cameras(i);
    for (int c = 0; c < kPose; ++c) {
      if (problem.pose_free[i][c]) row[c] = next++;
    }
    if (users[camera] < 2) {
      number_camera(camera, row + kPose);
    } else {
      std::copy(shared[camera].begin(), shared[camera].end(), row + kPose);
    }
    end_node();
  }
}

void Unknowns::spread(const double* unknowns, double* of_images) const {
  for (std::size_t i = 0; i < of_image_.size(); ++i) of_images[i] = of_image_[i] < 0 ? 0 : unknowns[of_image_[i]];
}

void Unknowns::gather(const double* of_images, double* unknowns) const {
  std::fill_n(unknowns, count(), 0.0);
  for (std::size_t i = 0; i < of_image_.size(); ++i) {
    if (of_image_[i] >= 0) unknowns[of_image_[i]] += of_images[i];
  }
}

}  // namespace fastcv::ba
