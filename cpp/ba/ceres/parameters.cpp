// SPDX-License-Identifier: Apache-2.0
// From blocks of free values to poses and intrinsics.
#include "ba/ceres/parameters.h"

#include <Eigen/Geometry>

namespace fastcv::ba {
namespace {

using Matrix3 = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;
using Matrix3x4 = Eigen::Matrix<double, 3, 4, Eigen::RowMajor>;
constexpr int kPose = generic::ba::kPoseSize;

// J with dexp(w) = exp(J dw) exp(w). Source: Chirikjian 2011, Stochastic Models, Information Theory, and Lie Groups 2,
// eq. 10.86; the coefficients by their series where the closed form would cancel.
Matrix3 jacobian_of_exp(const Eigen::Vector3d& w) {
  const double angle2 = w.squaredNorm(), angle = std::sqrt(angle2);
  const bool small = angle2 < 1e-6;
  const double b = small ? 0.5 - angle2 / 24 : (1 - std::cos(angle)) / angle2;
  const double c = small ? 1.0 / 6 - angle2 / 120 : (angle - std::sin(angle)) / (angle2 * angle);
  Matrix3 cross;
  cross << 0, -w.z(), w.y(), w.z(), 0, -w.x(), -w.y(), w.x(), 0;
  return Matrix3::Identity() + b * cross + c * cross * cross;
}

void append_params(const Problem& problem, int camera, Block& block) {
  const std::int64_t begin = problem.param_offsets(camera), end = problem.param_offsets(camera + 1);
  for (std::int64_t p = begin; p < end; ++p) {
    if (problem.params_free(p)) block.columns.push_back(static_cast<std::uint8_t>(kPose + p - begin));
  }
}

}  // namespace

Parameters::Pose::Pose(const double* from, const bool* free) {
  std::copy_n(from, 12, initial);
  for (int c = 0; c < kPose; ++c) {
    if (free[c]) block.columns.push_back(static_cast<std::uint8_t>(c));
  }
}

void Parameters::Pose::move() {
  double twist[kPose] = {};  // w, v
  for (int c = 0; c < block.size(); ++c) {
    if (block.columns[c] < kPose) twist[block.columns[c]] = block.values[c];
  }
  const Eigen::Vector3d w(twist), v(twist + 3);
  const double angle = w.norm();
  Eigen::Map<Matrix3x4> pose(now);
  pose = Eigen::Map<const Matrix3x4>(initial);
  if (angle > 0) pose = Eigen::AngleAxisd(angle, w / angle).toRotationMatrix() * pose.eval();
  pose.col(3) -= pose.leftCols<3>() * v;
  Eigen::Map<Matrix3> left(left_jacobian);
  left = jacobian_of_exp(w);
}

// Turns three derivatives by a further left turn of the pose into those by its block's w.
void Parameters::Pose::by_block(double* by_turn) const {
  const double *left = left_jacobian, w[3] = {by_turn[0], by_turn[1], by_turn[2]};
  for (int c = 0; c < 3; ++c) by_turn[c] = w[0] * left[c] + w[1] * left[3 + c] + w[2] * left[6 + c];
}

Parameters::Parameters(const Problem& problem)
    : param_offsets_(problem.param_offsets.data, problem.param_offsets.data + problem.num_cameras() + 1),
      frame_cameras_(problem.num_frames(), -1),
      params_(problem.params.data, problem.params.data + problem.params.size()),
      points_(problem.points.data, problem.points[problem.num_points()]),
      camera_blocks_(problem.num_cameras()) {
  for (std::int64_t f = 0; f < problem.num_frames(); ++f)
    frames_.emplace_back(problem.frames()[f], problem.pose_free[f]);
  for (std::int64_t s = 0; s < problem.rigs.sensor_from_rig.rows; ++s) {
    sensors_.emplace_back(problem.rigs.sensor_from_rig[s], problem.rigs.sensor_free[s]);
  }
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    images_.push_back(
        {problem.image_cameras(i), static_cast<std::int32_t>(problem.frame(i)), problem.sensor(i), {}, {}});
  }
  join_params(problem);
  place_blocks();
  compose();
}

// The intrinsics to the block of the camera, or of the frame if its only image alone has them.
void Parameters::join_params(const Problem& problem) {
  std::vector<int> users(problem.num_cameras()), members(problem.num_frames());
  for (const Image& image : images_) {
    ++users[image.camera];
    ++members[image.frame];
  }
  for (const Image& image : images_) {
    if (users[image.camera] > 1 || members[image.frame] > 1) continue;
    frame_cameras_[image.frame] = image.camera;
    append_params(problem, image.camera, frames_[image.frame].block);
    users[image.camera] = 0;
  }
  for (int c = 0; c < problem.num_cameras(); ++c) {
    if (users[c] > 0) append_params(problem, c, camera_blocks_[c]);
  }
}

// Gives the blocks their storage and initial values.
void Parameters::place_blocks() {
  std::size_t size = 0;
  for (const Block* block : blocks()) size += block->columns.size();
  block_values_.assign(size, 0);
  double* next = block_values_.data();
  const auto place = [&](Block& block, std::int32_t camera) {
    block.values = next;
    for (const int column : block.columns) {
      *next++ = column < kPose ? 0 : params_[param_offsets_[camera] + column - kPose];
    }
  };
  for (std::size_t f = 0; f < frames_.size(); ++f) place(frames_[f].block, frame_cameras_[f]);
  for (Pose& sensor : sensors_) place(sensor.block, -1);
  for (std::size_t c = 0; c < camera_blocks_.size(); ++c) place(camera_blocks_[c], static_cast<std::int32_t>(c));
}

void Parameters::set_params(const Block& block, std::int32_t camera) {
  for (int k = 0; k < block.size(); ++k) {
    if (block.columns[k] >= kPose) params_[param_offsets_[camera] + block.columns[k] - kPose] = block.values[k];
  }
}

// Poses from blocks.
void Parameters::compose() {
  for (Pose& frame : frames_) frame.move();
  for (Pose& sensor : sensors_) sensor.move();
  for (Image& image : images_) {
    const double* frame = frames_[image.frame].now;
    if (image.sensor < 0) {
      std::copy_n(frame, 12, image.cam_from_world);
    } else {
      const double* sensor = sensors_[image.sensor].now;
      generic::ba::compose_pose(sensor, frame, image.cam_from_world);
      image.map = generic::ba::PoseMap::at(sensor, frame);
    }
  }
}

void Parameters::by_blocks(int image, const double* by_pose, double* by_frame, double* by_sensor) const {
  const Image& i = images_[image];
  for (int c = 0; c < kPose; ++c) by_frame[c] = by_pose[c];  // they may be one
  if (i.sensor >= 0) {
    i.map.pull(by_pose, by_frame, by_sensor);
    sensors_[i.sensor].by_block(by_sensor);
  }
  frames_[i.frame].by_block(by_frame);
}

void Parameters::PrepareForEvaluation(bool, bool new_evaluation_point) {
  if (!new_evaluation_point) return;
  compose();
  for (std::size_t f = 0; f < frames_.size(); ++f) set_params(frames_[f].block, frame_cameras_[f]);
  for (std::size_t c = 0; c < camera_blocks_.size(); ++c) set_params(camera_blocks_[c], static_cast<std::int32_t>(c));
}

std::vector<Block*> Parameters::blocks() {
  std::vector<Block*> all;
  const auto add = [&all](Block& block) {
    if (!block.empty()) all.push_back(&block);
  };
  for (Pose& frame : frames_) add(frame.block);
  for (Pose& sensor : sensors_) add(sensor.block);
  for (Block& block : camera_blocks_) add(block);
  return all;
}

State Parameters::state() const {
  State state{{}, {}, {}, params_, points_};
  const auto append = [](const double* pose, std::vector<double>& to) { to.insert(to.end(), pose, pose + 12); };
  for (const Image& image : images_) append(image.cam_from_world, state.cam_from_world);
  for (const Pose& frame : frames_) append(frame.now, state.frames);
  for (const Pose& sensor : sensors_) append(sensor.now, state.sensors);
  return state;
}

void State::write_to(const Problem& problem) const {
  std::copy(frames.begin(), frames.end(), problem.frames().data);
  std::copy(sensors.begin(), sensors.end(), problem.rigs.sensor_from_rig.data);
  std::copy(cam_from_world.begin(), cam_from_world.end(), problem.cam_from_world.data);
  std::copy(params.begin(), params.end(), problem.params.data);
  std::copy(points.begin(), points.end(), problem.points.data);
}

}  // namespace fastcv::ba
