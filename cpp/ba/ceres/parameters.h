// SPDX-License-Identifier: Apache-2.0
// The unknowns of a problem as Ceres parameter blocks, and the full state that residuals read.
#pragma once

#include <ceres/evaluation_callback.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "ba/problem.h"
#include "ba/rig.hd.h"

namespace fastcv::ba {

// Some degrees of freedom of a frame, a sensor or a camera. Fixed ones are in no block, so Ceres never sees them and
// they keep every bit; columns: 0 to 5 a pose (w, v), from 6 the intrinsics.
struct Block {
  std::vector<std::uint8_t> columns;
  double* values = nullptr;  // one per column; w and v count from the initial pose

  int size() const { return static_cast<int>(columns.size()); }
  bool empty() const { return columns.empty(); }
};

// Everything that a solve changes, laid out as in Problem.
struct State {
  std::vector<double> cam_from_world, frames, sensors, params, points;

  void write_to(const Problem& problem) const;
};

// Owns a copy of the problem's unknowns. Ceres writes a trial point into the blocks, then calls
// PrepareForEvaluation, which brings the poses and intrinsics up to date once per image, not once per observation.
class Parameters final : public ceres::EvaluationCallback {
 public:
  explicit Parameters(const Problem& problem);

  void PrepareForEvaluation(bool evaluate_jacobians, bool new_evaluation_point) override;

  // Full state, valid after PrepareForEvaluation.
  const double* cam_from_world(int image) const { return images_[image].cam_from_world; }
  const double* params(int image) const { return params_.data() + param_offsets_[images_[image].camera]; }
  double* point(int point) { return points_.data() + 3 * std::int64_t(point); }
  const double* point(int point) const { return points_.data() + 3 * std::int64_t(point); }
  // Derivatives by an image's pose (w, v), turned into those by its frame's block and its sensor's.
  void by_blocks(int image, const double* by_pose, double* by_frame, double* by_sensor) const;

  // What an image's pose and intrinsics are made of. The pose of its frame, together with the intrinsics where no other
  // image shares either; its sensor's pose; the intrinsics otherwise.
  const Block& frame_block(int image) const { return frames_[images_[image].frame].block; }
  const Block& sensor_block(int image) const {
    return images_[image].sensor < 0 ? none_ : sensors_[images_[image].sensor].block;
  }
  const Block& camera_block(int image) const { return camera_blocks_[images_[image].camera]; }
  std::array<const Block*, 3> blocks_of(int image) const {
    return {&frame_block(image), &sensor_block(image), &camera_block(image)};
  }

  // Every block that is not empty.
  std::vector<Block*> blocks();

  // Evaluations fail from now on, so that Ceres comes to its next iteration callback soon.
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  State state() const;

 private:
  // Of a frame or a sensor.
  struct Pose {
    double initial[12], now[12];
    double left_jacobian[9];  // J in dexp(w) = exp(J dw) exp(w), row-major
    Block block;

    Pose(const double* initial, const bool* free);
    void move();
    void by_block(double* by_turn) const;
  };
  struct Image {
    std::int32_t camera, frame, sensor;
    double cam_from_world[12];
    generic::ba::PoseMap map;
  };

  void join_params(const Problem& problem);
  void place_blocks();
  void set_params(const Block& block, std::int32_t camera);
  void compose();

  std::vector<std::int64_t> param_offsets_;
  std::vector<Image> images_;
  std::vector<Pose> frames_, sensors_;
  std::vector<std::int32_t> frame_cameras_;  // whose intrinsics are in the frame's block, or -1
  std::vector<double> params_, points_;
  // All blocks one after the other: Ceres orders them by address, and results must not depend on the allocator.
  std::vector<double> block_values_;
  std::vector<Block> camera_blocks_;
  const Block none_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace fastcv::ba
