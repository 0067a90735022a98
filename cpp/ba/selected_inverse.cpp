// SPDX-License-Identifier: Apache-2.0
// Entries of the inverse where the factor has entries, from the root of the elimination tree down. Source: Takahashi,
// Fagan, Chen 1973; the form with fronts: Campbell & Davis 1995, "Computing the sparse inverse subset".
#include <Eigen/Core>
#include <algorithm>

#include "ba/sparse_cholesky.h"
#include "core/interrupt.h"

namespace fastcv::ba {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

void SparseCholesky::invert(SchurMatrix& matrix) const {
  std::vector<Matrix> inverses(fronts_.size());
  std::vector<std::size_t> waiting(fronts_.size());
  std::vector<std::int64_t> row_of(order_.size(), -1);
  std::vector<double> scratch(unknowns_.width() * unknowns_.width());
  const auto place_rows = [&](const Front& front, bool here) {
    std::int64_t row = 0;
    for (const std::int32_t node : front.nodes) {
      row_of[node] = here ? row : -1;
      row += place_[node + 1] - place_[node];
    }
  };
  std::fill_n(matrix.block(0), block_rows_.size() * matrix.columns() * matrix.columns(), 0.0);
  for (std::int64_t f = static_cast<std::int64_t>(fronts_.size()) - 1; f >= 0; --f) {
    poll_interrupt();
    const Front& front = fronts_[f];
    const std::int64_t rows = front.num_rows, pivots = front.num_pivots(), rest = rows - pivots;
    Matrix factor(rows, pivots);
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(front.factor_row(i), std::min(i + 1, pivots), factor.data() + i * pivots);
    const auto lower = factor.topRows(pivots).triangularView<Eigen::Lower>();
    Matrix& z = inverses[f];
    z.resize(rows, rows);
    Matrix root = Matrix::Identity(pivots, pivots);
    lower.solveInPlace(root);  // L⁻¹
    z.topLeftCorner(pivots, pivots).noalias() = root.transpose() * root;
    if (rest > 0) {
      // The rest of the inverse is the parent's.
      const Matrix& above = inverses[front.parent];
      place_rows(fronts_[front.parent], true);
      std::vector<Eigen::Index> from;
      for (const std::int32_t node : front.nodes) {
        if (place_[node] < front.end) continue;
        for (std::int32_t i = place_[node]; i < place_[node + 1]; ++i) from.push_back(row_of[node] + i - place_[node]);
      }
      place_rows(fronts_[front.parent], false);
      z.bottomRightCorner(rest, rest) = above(from, from);
      const Matrix y = factor.bottomRows(rest) * root;
      z.bottomLeftCorner(rest, pivots).noalias() = -z.bottomRightCorner(rest, rest) * y;
      z.topLeftCorner(pivots, pivots).noalias() -= y.transpose() * z.bottomLeftCorner(rest, pivots);
      z.topRightCorner(pivots, rest) = z.bottomLeftCorner(rest, pivots).transpose();
      if (--waiting[front.parent] == 0) inverses[front.parent].resize(0, 0);
    }
    place_rows(front, true);
    for (const std::int64_t block : front.blocks) {
      double* folded = matrix.block(block);
      if (unknowns_.has_rigs()) std::fill_n(folded = scratch.data(), scratch.size(), 0.0);
      for_each_entry(matrix, block, folded, front, row_of,
                     [&](std::int64_t i, std::int64_t j, double& value) { value = z(i, j); });
      if (unknowns_.has_rigs()) unknowns_.unfold(block_rows_[block], matrix.column(block), folded, matrix.block(block));
    }
    place_rows(front, false);
    waiting[f] = front.children.size();
    if (front.children.empty()) z.resize(0, 0);
  }
}

}  // namespace fastcv::ba
