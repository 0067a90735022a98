// SPDX-License-Identifier: Apache-2.0
// From blocks of free values to poses and intrinsics.
#include "ba/ceres/parameters.h"

#include <Eigen/Geometry>

#include "ba/reprojection.hd.h"

namespace fastcv::ba {
namespace {

using Matrix3 = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;
using Pose = Eigen::Matrix<double, 3, 4, Eigen::RowMajor>;
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

void append_pose(const Problem& problem, int image, Block& block) {
  for (int c = 0; c < kPose; ++c) {
    if (problem.pose_free[image][c]) block.columns.push_back(static_cast<std::uint8_t>(c));
  }
}

void append_params(const Problem& problem, int camera, Block& block) {
  const std::int64_t begin = problem.param_offsets(camera), end = problem.param_offsets(camera + 1);
  for (std::int64_t p = begin; p < end; ++p) {
    if (problem.params_free(p)) block.columns.push_back(static_cast<std::uint8_t>(kPose + p - begin));
  }
}

}  // namespace

Parameters::Parameters(const Problem& problem)
    : image_cameras_(problem.image_cameras.data, problem.image_cameras.data + problem.num_images()),
      param_offsets_(problem.param_offsets.data, problem.param_offsets.data + problem.num_cameras() + 1),
      images_(problem.num_images()),
      params_(problem.params.data, problem.params.data + problem.params.size()),
      points_(problem.points.data, problem.points[problem.num_points()]),
      image_blocks_(problem.num_images()),
      camera_blocks_(problem.num_cameras()) {
  std::vector<int> num_users(problem.num_cameras());
  for (const int camera : image_cameras_) ++num_users[camera];
  for (int i = 0; i < problem.num_images(); ++i) {
    std::copy_n(problem.cam_from_world[i], 12, images_[i].initial);
    append_pose(problem, i, image_blocks_[i]);
    if (num_users[image_cameras_[i]] == 1) append_params(problem, image_cameras_[i], image_blocks_[i]);
  }
  for (int c = 0; c < problem.num_cameras(); ++c) {
    if (num_users[c] > 1) append_params(problem, c, camera_blocks_[c]);
  }
  place_blocks();
  for (int i = 0; i < problem.num_images(); ++i) set_pose(i);
}

// Gives the blocks their storage and initial values.
void Parameters::place_blocks() {
  std::size_t size = 0;
  for (const Block* block : blocks()) size += block->columns.size();
  block_values_.assign(size, 0);
  double* next = block_values_.data();
  const auto place = [&next](Block& block, const double* params) {
    block.values = next;
    for (const int column : block.columns) *next++ = column < kPose ? 0 : params[column - kPose];
  };
  for (std::size_t i = 0; i < images_.size(); ++i) place(image_blocks_[i], params(static_cast<int>(i)));
  for (std::size_t c = 0; c < camera_blocks_.size(); ++c) place(camera_blocks_[c], params_.data() + param_offsets_[c]);
}

void Parameters::set_pose(int image) {
  Image& state = images_[image];
  const Block& block = image_blocks_[image];
  double twist[kPose] = {};  // w, v
  double* params = params_.data() + param_offsets_[image_cameras_[image]];
  for (int c = 0; c < block.size(); ++c) {
    const int column = block.columns[c];
    (column < kPose ? twist[column] : params[column - kPose]) = block.values[c];
  }
  const Eigen::Map<const Pose> initial(state.initial);
  Eigen::Map<Pose> pose(state.cam_from_world);
  const Eigen::Vector3d w(twist), v(twist + 3);
  const double angle = w.norm();
  pose = initial;
  if (angle > 0) pose = Eigen::AngleAxisd(angle, w / angle).toRotationMatrix() * initial;
  pose.col(3) -= pose.leftCols<3>() * v;
  Eigen::Map<Matrix3>(state.left_jacobian) = jacobian_of_exp(w);
}

void Parameters::by_block(int image, double* by_turn) const {
  const double *left = images_[image].left_jacobian, w[3] = {by_turn[0], by_turn[1], by_turn[2]};
  for (int c = 0; c < 3; ++c) by_turn[c] = w[0] * left[c] + w[1] * left[3 + c] + w[2] * left[6 + c];
}

void Parameters::PrepareForEvaluation(bool, bool new_evaluation_point) {
  if (!new_evaluation_point) return;
  for (std::size_t i = 0; i < images_.size(); ++i) set_pose(static_cast<int>(i));
  for (std::size_t c = 0; c < camera_blocks_.size(); ++c) {
    const Block& block = camera_blocks_[c];
    for (int k = 0; k < block.size(); ++k) params_[param_offsets_[c] + block.columns[k] - kPose] = block.values[k];
  }
}

std::vector<Block*> Parameters::blocks() {
  std::vector<Block*> all;
  for (auto* blocks : {&image_blocks_, &camera_blocks_}) {
    for (Block& block : *blocks) {
      if (!block.empty()) all.push_back(&block);
    }
  }
  return all;
}

State Parameters::state() const {
  State state{{}, params_, points_};
  state.cam_from_world.reserve(12 * images_.size());
  for (const Image& image : images_) {
    state.cam_from_world.insert(state.cam_from_world.end(), image.cam_from_world, image.cam_from_world + 12);
  }
  return state;
}

}  // namespace fastcv::ba
