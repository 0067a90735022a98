// SPDX-License-Identifier: Apache-2.0
// One observation as a Ceres cost function with analytic derivatives.
#pragma once

#include <ceres/cost_function.h>

#include <cmath>

#include "ba/ceres/parameters.h"
#include "ba/reprojection.hd.h"

namespace fastcv::ba {

// Parameter blocks: the frame's, the sensor's, the camera's, the point; each only if something in it is free. Values
// are read from Parameters, which Ceres has brought up to date before, and not from the blocks.
template <class Model>
class ReprojectionCost final : public ceres::CostFunction {
 public:
  ReprojectionCost(const Parameters& parameters, const Problem& problem, std::int64_t k)
      : parameters_(parameters),
        observed_{problem.observations[k][0], problem.observations[k][1]},
        weight_(problem.weights(k)),
        whitened_(problem.whitening.rows > 0),
        image_(problem.image_indices(k)),
        point_(problem.point_indices(k)),
        point_free_(problem.points_free(point_)) {
    if (whitened_) std::copy_n(problem.whitening[k], 3, whitening_);
    set_num_residuals(2);
    auto& sizes = *mutable_parameter_block_sizes();
    for (const Block* block : parameters_.blocks_of(image_)) {
      if (!block->empty()) sizes.push_back(block->size());
    }
    if (point_free_) sizes.push_back(3);
  }

  bool Evaluate(double const* const*, double* residual, double** jacobians) const override {
    if (parameters_.cancelled()) return false;
    const double* pose = parameters_.cam_from_world(image_);
    const double* params = parameters_.params(image_);
    const double* point = parameters_.point(point_);
    if (jacobians == nullptr) {
      generic::ba::reprojection_residual<Model>(pose, params, point, observed_, weight_, residual);
      if (whitened_) generic::ba::whiten(whitening_, residual, residual + 1, 1);
    } else {
      double d_camera[2 * kColumns], d_point[6];
      generic::ba::reprojection_jacobian<Model>(pose, params, point, observed_, weight_, residual, d_camera, d_point);
      if (whitened_) {
        generic::ba::whiten(whitening_, residual, residual + 1, 1);
        generic::ba::whiten(whitening_, d_camera, d_camera + kColumns, kColumns);
        generic::ba::whiten(whitening_, d_point, d_point + 3, 3);
      }
      hand_out(d_camera, d_point, jacobians);
    }
    return std::isfinite(residual[0]) && std::isfinite(residual[1]);  // Ceres then takes a shorter step
  }

 private:
  static constexpr int kColumns = generic::ba::kPoseSize + Model::kNumParams;

  // Copies the free columns to Ceres' Jacobians, a null pointer for those that it does not want.
  void hand_out(double* d_camera, const double* d_point, double** jacobians) const {
    double d_sensor[2 * generic::ba::kPoseSize];
    for (int r = 0; r < 2; ++r) {
      double* row = d_camera + r * kColumns;
      parameters_.by_blocks(image_, row, row, d_sensor + r * generic::ba::kPoseSize);
    }
    const Block* sensor = &parameters_.sensor_block(image_);
    for (const Block* block : parameters_.blocks_of(image_)) {
      if (block->empty()) continue;
      double* out = *jacobians++;
      if (out == nullptr) continue;
      const double* from = block == sensor ? d_sensor : d_camera;
      const int size = block->size(), stride = block == sensor ? generic::ba::kPoseSize : kColumns;
      for (int c = 0; c < size; ++c) {
        out[c] = from[block->columns[c]];
        out[size + c] = from[stride + block->columns[c]];
      }
    }
    if (point_free_ && *jacobians != nullptr) std::copy_n(d_point, 6, *jacobians);
  }

  const Parameters& parameters_;
  double observed_[2], weight_, whitening_[3];
  bool whitened_;
  std::int32_t image_, point_;
  bool point_free_;
};

}  // namespace fastcv::ba
