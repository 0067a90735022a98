// SPDX-License-Identifier: Apache-2.0
// One prior as a Ceres cost function with analytic derivatives.
#pragma once

#include <ceres/cost_function.h>

#include <functional>
#include <vector>

#include "ba/ceres/parameters.h"
#include "ba/priors.hd.h"

namespace fastcv::ba {

// The residuals of a prior with their derivatives by what it is about: a point, a parameter, or the poses (w, v) of an
// image's frame and its sensor, one after the other.
template <int D>
struct PriorRows {
  double residual[D], jacobian[D][2 * generic::ba::kPoseSize];
};

// The columns of a block from `begin` to `end`, which have their derivatives from `at` on in the rows.
struct PriorPart {
  const Block* block;
  int begin, end, at;

  bool has(int column) const { return column >= begin && column < end; }
};

// The rows are computed from Parameters, which Ceres has brought up to date before.
template <int D>
class PriorCost final : public ceres::CostFunction {
 public:
  using Rows = std::function<PriorRows<D>()>;

  PriorCost(const Parameters& parameters, Rows rows, std::vector<PriorPart> parts)
      : parameters_(parameters), rows_(std::move(rows)), parts_(std::move(parts)) {
    set_num_residuals(D);
    for (const PriorPart& part : parts_) mutable_parameter_block_sizes()->push_back(part.block->size());
  }

  bool Evaluate(double const* const*, double* residual, double** jacobians) const override {
    if (parameters_.cancelled()) return false;
    const PriorRows<D> rows = rows_();
    std::copy_n(rows.residual, D, residual);
    for (std::size_t p = 0; jacobians != nullptr && p < parts_.size(); ++p) {
      const PriorPart& part = parts_[p];
      double* out = jacobians[p];
      for (int r = 0; out != nullptr && r < D; ++r) {
        for (const int column : part.block->columns) {
          *out++ = part.has(column) ? rows.jacobian[r][part.at + column - part.begin] : 0;
        }
      }
    }
    return true;
  }

 private:
  const Parameters& parameters_;
  const Rows rows_;
  const std::vector<PriorPart> parts_;
};

}  // namespace fastcv::ba
