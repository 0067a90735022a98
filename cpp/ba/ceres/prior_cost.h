// SPDX-License-Identifier: Apache-2.0
// One prior as a Ceres cost function with analytic derivatives.
#pragma once

#include <ceres/cost_function.h>

#include <functional>
#include <vector>

#include "ba/ceres/parameters.h"
#include "ba/priors.hd.h"

namespace fastcv::ba {

// Depends on one parameter block. The term is computed from Parameters, which Ceres has brought up to date before.
template <int D>
class PriorCost final : public ceres::CostFunction {
 public:
  using Term = std::function<generic::ba::PriorTerm<D>()>;

  // `columns` says for each value of the block which column of the term's Jacobian is its own, or -1.
  PriorCost(const Parameters& parameters, Term term, std::vector<int> columns)
      : parameters_(parameters), term_(std::move(term)), columns_(std::move(columns)) {
    set_num_residuals(D);
    if (!columns_.empty()) mutable_parameter_block_sizes()->push_back(static_cast<int>(columns_.size()));
  }

  bool Evaluate(double const* const*, double* residual, double** jacobians) const override {
    if (parameters_.cancelled()) return false;
    const generic::ba::PriorTerm<D> term = term_();
    std::copy_n(term.residual, D, residual);
    if (jacobians == nullptr || jacobians[0] == nullptr) return true;
    double* out = jacobians[0];
    for (const auto& row : term.jacobian) {
      for (const int column : columns_) *out++ = column < 0 ? 0 : row[column];
    }
    return true;
  }

 private:
  const Parameters& parameters_;
  const Term term_;
  const std::vector<int> columns_;
};

}  // namespace fastcv::ba
