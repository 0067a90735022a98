// SPDX-License-Identifier: Apache-2.0
#include "ba/unknowns.h"

#include <algorithm>
#include <numeric>

namespace fastcv::ba {
namespace {

constexpr int kPose = generic::ba::kPoseSize;

}  // namespace

Unknowns::Unknowns(const Problem& problem, int columns)
    : columns_(columns), width_(problem.has_rigs() ? columns + kPose : columns), node_begin_{0} {
  number(problem);
  if (!has_rigs()) return;
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    frames_.push_back(static_cast<std::int32_t>(problem.frame(i)));
    sensors_.push_back(problem.sensor(i));
  }
  maps_.resize(sensors_.size());
  stand_at(problem.rigs.rig_from_world.data, problem.rigs.sensor_from_rig.data);
}

Unknowns::Unknowns(std::int64_t num_nodes, int size)
    : columns_(size), width_(size), of_image_(num_nodes * size), node_begin_{0} {
  std::iota(of_image_.begin(), of_image_.end(), 0);
  for (std::int32_t n = 0; n < num_nodes; ++n) {
    node_begin_.push_back(node_begin_.back() + size);
    node_of_.resize(node_begin_.back(), n);
  }
}

void Unknowns::number(const Problem& problem) {
  std::int32_t next = 0;
  const auto number_pose = [&](const bool* free, std::int32_t* to) {
    for (int c = 0; c < kPose; ++c) to[c] = free[c] ? next++ : -1;
  };
  const auto end_node = [&] {
    if (next == node_begin_.back()) return;
    node_of_.resize(next, static_cast<std::int32_t>(num_nodes()));
    node_begin_.push_back(next);
  };
  // Of each camera, the unknown behind each of its images' columns after the pose.
  std::vector<std::int32_t> of_camera(problem.num_cameras() * (columns_ - kPose), -1);
  const auto number_camera = [&](std::int64_t camera) {
    std::int32_t* to = of_camera.data() + camera * (columns_ - kPose);
    for (std::int64_t i = problem.param_offsets(camera); i < problem.param_offsets(camera + 1); ++i) {
      if (problem.params_free(i)) *to++ = next++;
    }
  };
  // The image that alone has this camera and is alone in its frame, whose node the intrinsics then join.
  std::vector<int> users(problem.num_cameras(), 0), members(problem.num_frames(), 0);
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    ++users[problem.image_cameras(i)];
    ++members[problem.frame(i)];
  }
  std::vector<std::int32_t> own(problem.num_frames(), -1), joined(problem.num_cameras(), 0);
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    const std::int32_t camera = problem.image_cameras(i);
    if (users[camera] > 1 || members[problem.frame(i)] > 1) continue;
    own[problem.frame(i)] = camera;
    joined[camera] = 1;
  }
  for (std::int64_t c = 0; c < problem.num_cameras(); ++c) {
    if (users[c] == 0 || joined[c]) continue;
    number_camera(c);
    end_node();
  }
  of_sensor_.resize(problem.rigs.sensor_free.rows * kPose);
  for (std::int64_t s = 0; s < problem.rigs.sensor_free.rows; ++s) {
    number_pose(problem.rigs.sensor_free[s], of_sensor_.data() + s * kPose);
    end_node();
  }
  of_frame_.resize(problem.num_frames() * kPose);
  for (std::int64_t f = 0; f < problem.num_frames(); ++f) {
    number_pose(problem.pose_free[f], of_frame_.data() + f * kPose);
    if (own[f] >= 0) number_camera(own[f]);
    end_node();
  }
  of_image_.assign(problem.num_images() * width_, -1);
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    std::int32_t* row = of_image_.data() + i * width_;
    std::copy_n(of_frame(problem.frame(i)), kPose, row);
    std::copy_n(of_camera.data() + problem.image_cameras(i) * (columns_ - kPose), columns_ - kPose, row + kPose);
    if (problem.sensor(i) >= 0) std::copy_n(of_sensor(problem.sensor(i)), kPose, row + columns_);
  }
}

void Unknowns::stand_at(const double* rig_from_world, const double* sensor_from_rig) {
  for (std::size_t i = 0; i < maps_.size(); ++i) {
    if (sensors_[i] < 0) continue;
    maps_[i] = generic::ba::PoseMap::at(sensor_from_rig + 12 * std::int64_t(sensors_[i]),
                                        rig_from_world + 12 * std::int64_t(frames_[i]));
  }
}

// Null where an image's pose is its frame's.
const generic::ba::PoseMap* Unknowns::map(std::int64_t image) const {
  return has_rigs() && sensors_[image] >= 0 ? &maps_[image] : nullptr;
}

// Eᵀ z and E u of one image, with a value for each of `of_image`, fixed ones too.
void Unknowns::pull(std::int64_t image, const double* columns, double* folded) const {
  std::copy_n(columns, columns_, folded);
  if (const auto* m = map(image)) {
    m->pull(columns, folded, folded + columns_);
  } else {
    std::fill(folded + columns_, folded + width_, 0.0);
  }
}
void Unknowns::push(std::int64_t image, const double* folded, double* columns) const {
  std::copy_n(folded, columns_, columns);
  if (const auto* m = map(image)) m->push(folded, folded + columns_, columns);
}

void Unknowns::spread(const double* unknowns, double* of_images) const {
  double values[kMostWidth];
  for (std::size_t i = 0; i < of_image_.size(); i += width_) {
    for (int c = 0; c < width_; ++c) values[c] = of_image_[i + c] < 0 ? 0 : unknowns[of_image_[i + c]];
    push(static_cast<std::int64_t>(i / width_), values, of_images + i / width_ * columns_);
  }
}

void Unknowns::gather(const double* of_images, double* unknowns) const {
  double values[kMostWidth];
  std::fill_n(unknowns, count(), 0.0);
  for (std::size_t i = 0; i < of_image_.size(); i += width_) {
    pull(static_cast<std::int64_t>(i / width_), of_images + i / width_ * columns_, values);
    for (int c = 0; c < width_; ++c) {
      if (of_image_[i + c] >= 0) unknowns[of_image_[i + c]] += values[c];
    }
  }
}

void Unknowns::gather_diagonal(const double* blocks, double* unknowns) const {
  double scratch[kMostWidth * kMostWidth];
  std::fill_n(unknowns, count(), 0.0);
  for (std::size_t i = 0; i < of_image_.size(); i += width_) {
    const auto image = static_cast<std::int64_t>(i / width_);
    const double* folded = fold(image, image, blocks + image * columns_ * columns_, scratch);
    for (int c = 0; c < width_; ++c) {
      if (of_image_[i + c] >= 0) unknowns[of_image_[i + c]] += folded[block_index(width_, c, c)];
    }
  }
}

const double* Unknowns::fold(std::int64_t image, std::int64_t other, const double* block, double* scratch) const {
  if (!has_rigs()) return block;
  double half[kMostWidth][kMostColumns], values[kMostWidth];  // Eᵀ block
  for (int c = 0; c < columns_; ++c) {
    double column[kMostColumns];
    for (int r = 0; r < columns_; ++r) {
      const bool mirrored = image == other && c > r;
      column[r] = block[mirrored ? block_index(columns_, c, r) : block_index(columns_, r, c)];
    }
    pull(image, column, values);
    for (int r = 0; r < width_; ++r) half[r][c] = values[r];
  }
  for (int r = 0; r < width_; ++r) {
    pull(other, half[r], values);
    for (int c = 0; c < width_; ++c) scratch[block_index(width_, r, c)] = values[c];
  }
  return scratch;
}

void Unknowns::unfold(std::int64_t image, std::int64_t other, const double* folded, double* block) const {
  double half[kMostColumns][kMostWidth], values[kMostColumns];  // E folded
  for (int c = 0; c < width_; ++c) {
    double column[kMostWidth];
    for (int r = 0; r < width_; ++r) {
      const bool mirrored = image == other && c > r;
      column[r] = folded[mirrored ? block_index(width_, c, r) : block_index(width_, r, c)];
    }
    push(image, column, values);
    for (int r = 0; r < columns_; ++r) half[r][c] = values[r];
  }
  for (int r = 0; r < columns_; ++r) {
    push(other, half[r], values);
    for (int c = 0; c < columns_; ++c) block[block_index(columns_, r, c)] += values[c];
  }
}

}  // namespace fastcv::ba
