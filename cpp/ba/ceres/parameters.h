// SPDX-License-Identifier: Apache-2.0
// The unknowns of a problem as Ceres parameter blocks, and the full state that residuals read.
#pragma once

#include <ceres/evaluation_callback.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "ba/problem.h"

namespace fastcv::ba {

// Some degrees of freedom of an image or a camera. Fixed ones are in no block, so Ceres never sees them and they keep
// every bit; columns of a residual's Jacobian: 0 to 5 the pose (w, v), from 6 the intrinsics.
struct Block {
  std::vector<std::uint8_t> columns;
  double* values = nullptr;  // one per column; w and v count from the initial pose

  int size() const { return static_cast<int>(columns.size()); }
  bool empty() const { return columns.empty(); }
};

// Everything that a solve changes, laid out as in Problem.
struct State {
  std::vector<double> cam_from_world, params, points;
};

// Owns a copy of the problem's unknowns. Ceres writes a trial point into the blocks, then calls
// PrepareForEvaluation, which brings the poses and intrinsics up to date once per image, not once per observation.
class Parameters final : public ceres::EvaluationCallback {
 public:
  explicit Parameters(const Problem& problem);

  void PrepareForEvaluation(bool evaluate_jacobians, bool new_evaluation_point) override;

  // Full state, valid after PrepareForEvaluation.
  const double* cam_from_world(int image) const { return images_[image].cam_from_world; }
  const double* params(int image) const { return params_.data() + param_offsets_[image_cameras_[image]]; }
  double* point(int point) { return points_.data() + 3 * std::int64_t(point); }
  const double* point(int point) const { return points_.data() + 3 * std::int64_t(point); }
  // Turns three derivatives by a further left turn of the image into those by its block's w.
  void by_block(int image, double* by_turn) const;

  // An image's pose, together with its intrinsics where no other image shares them.
  Block& image_block(int image) { return image_blocks_[image]; }
  const Block& image_block(int image) const { return image_blocks_[image]; }
  // The intrinsics that an image shares with others.
  Block& camera_block(int image) { return camera_blocks_[image_cameras_[image]]; }
  const Block& camera_block(int image) const { return camera_blocks_[image_cameras_[image]]; }

  // Every block that is not empty.
  std::vector<Block*> blocks();

  // Evaluations fail from now on, so that Ceres comes to its next iteration callback soon.
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  State state() const;

 private:
  struct Image {
    double initial[12], cam_from_world[12];
    double left_jacobian[9];  // J in dexp(w) = exp(J dw) exp(w), row-major
  };

  void place_blocks();
  void set_pose(int image);

  std::vector<std::int32_t> image_cameras_;
  std::vector<std::int64_t> param_offsets_;
  std::vector<Image> images_;
  std::vector<double> params_, points_;
  // All blocks one after the other: Ceres orders them by address, and results must not depend on the allocator.
  std::vector<double> block_values_;
  std::vector<Block> image_blocks_, camera_blocks_;  // per image, per camera
  std::atomic<bool> cancelled_{false};
};

}  // namespace fastcv::ba
