// SPDX-License-Identifier: Apache-2.0
// Cholesky factorisation of the reduced system by the multifrontal method, which works in dense blocks throughout: a
// full system is one such block. Source: Liu 1992, "The multifrontal method for sparse matrix solution".
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "ba/cholesky.h"
#include "ba/elimination.h"

namespace fastcv::ba {

class SparseCholesky {
 public:
  // Orders the unknowns and finds where the factor has entries; false from feasible() where it would have more than
  // `most_entries`.
  SparseCholesky(const SchurMatrix& matrix, const Unknowns& unknowns, std::int64_t most_entries);

  bool feasible() const { return order_.feasible; }
  bool is_dense() const { return fronts_.size() <= 1; }
  // Operations of the factor, and entries of the fronts.
  double num_flops() const { return num_flops_; }
  double num_entries() const { return num_entries_; }

  // Factors the matrix with `damping` added to its diagonal; false where it is not positive definite. Only the one
  // front of is_dense() can do with a matrix that is not stored.
  bool factor(const SchurMatrix& matrix, const double* damping, int num_threads);
  // Solves in place for the unknowns, in their own order.
  void solve(double* x) const;
  // After factor(): the inverse, in the matrix's own blocks; 0 where a column is fixed.
  void invert(SchurMatrix& matrix) const;

 private:
  // A supernode: consecutive unknowns whose columns in the factor have the same rows.
  struct Front {
    std::int32_t begin, end;          // its pivots, in elimination order
    std::vector<std::int32_t> nodes;  // places of the nodes that its pivots and the rows below belong to
    std::int64_t num_rows = 0;        // pivots and rows below
    std::int64_t parent = -1;
    std::vector<std::int64_t> children;
    std::vector<std::int64_t> blocks;  // of the matrix, with entries whose first-eliminated unknown is a pivot here
    Buffer<double> factor;             // (num_rows, pivots), or where all rows are pivots the triangle `dense`
    Buffer<double> dense;              // while in work, see row_place()
    Buffer<double> update;             // the Schur complement for the parent: its lower triangle, row by row
    std::int64_t num_pivots() const { return end - begin; }
    const double* factor_row(std::int64_t i) const {
      return factor.data() + (num_rows == num_pivots() ? row_place(num_rows, i) : i * num_pivots());
    }
  };
  struct Workspace {
    std::vector<std::int64_t> row_of;  // first row of the node at each place in the front at work, -1 where it has none
    std::vector<double*> rows;         // of that front
    std::vector<double> scratch;
  };

  void find_fronts();
  void find_subtrees();
  void assign_blocks(const SchurMatrix& matrix);
  // Calls f(i, j, entry) with i >= j for the entries of a folded block that belong to this front, rows as in `row_of`.
  template <class T, class F>
  void for_each_entry(const SchurMatrix& matrix, std::int64_t block, T* folded, const Front& front,
                      const std::vector<std::int64_t>& row_of, const F& f) const;
  void add_block(const SchurMatrix& matrix, std::int64_t block, const double* values, const Front& front,
                 const Workspace& work) const;
  void add_rows(const SchurMatrix& matrix, const Front& front, const Workspace& work, int num_threads) const;
  void add_child(Front& child, const Workspace& work, int num_threads);
  void assemble(const SchurMatrix& matrix, const double* damping, Front& front, Workspace& work, int num_threads);
  bool factor_front(const SchurMatrix& matrix, const double* damping, Front& front, Workspace& work, int num_threads);

  const Unknowns& unknowns_;
  const Elimination order_;
  double num_flops_ = 0, num_entries_ = 0;
  std::vector<std::int32_t> eliminated_;  // unknown at each place of the unknowns' elimination order
  std::vector<std::int32_t> place_;       // where the unknowns of the node at a place begin in that order
  std::vector<std::int64_t> block_rows_;  // the image of each block's row
  std::vector<std::int64_t> front_of_;    // by place
  std::vector<Front> fronts_;             // children before their parents
  std::vector<std::pair<std::int64_t, std::int64_t>> subtrees_;  // intervals of fronts, each a task for one thread
  std::vector<std::int64_t> top_;                                // the fronts above them, all threads at each
};

template <class T, class F>
void SparseCholesky::for_each_entry(const SchurMatrix& matrix, std::int64_t block, T* folded, const Front& front,
                                    const std::vector<std::int64_t>& row_of, const F& f) const {
  const int width = unknowns_.width();
  const std::int64_t row = block_rows_[block], column = matrix.column(block);
  const auto rows_in_front = [&](std::int64_t image, std::int64_t* rows) {
    for (int c = 0; c < width; ++c) {
      const std::int32_t unknown = unknowns_.of_image(image)[c];
      rows[c] = -1;
      if (unknown < 0) continue;
      const std::int32_t node = unknowns_.node_of(unknown);
      const std::int64_t first = row_of[order_.position[node]];
      if (first >= 0) rows[c] = first + unknown - unknowns_.node_begin(node);
    }
  };
  std::int64_t to_rows[Unknowns::kMostWidth], to_columns[Unknowns::kMostWidth];
  rows_in_front(row, to_rows);
  rows_in_front(column, to_columns);
  for (int r = 0; r < width; ++r) {
    if (to_rows[r] < 0) continue;
    const int end = row == column ? r + 1 : width;  // of the diagonal block one triangle is the whole matter
    for (int c = 0; c < end; ++c) {
      const std::int64_t i = std::max(to_rows[r], to_columns[c]), j = std::min(to_rows[r], to_columns[c]);
      if (j >= 0 && j < front.num_pivots()) f(i, j, folded[block_index(width, r, c)]);
    }
  }
}

}  // namespace fastcv::ba
