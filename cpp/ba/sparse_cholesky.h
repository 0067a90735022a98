// SPDX-License-Identifier: Apache-2.0
// Cholesky factorisation of the reduced system by the multifrontal method, which works in dense blocks throughout: a
// full system is one such block. Source: Liu 1992, "The multifrontal method for sparse matrix solution".
#pragma once

#include <utility>
#include <vector>

#include "ba/elimination.h"

namespace fastcv::ba {

class SparseCholesky {
 public:
  // Orders the unknowns and finds where the factor has entries; false from feasible() where it would have more than
  // `most_entries`.
  SparseCholesky(const SchurMatrix& matrix, const Unknowns& unknowns, std::int64_t most_entries);

  bool feasible() const { return order_.feasible; }
  bool is_dense() const { return fronts_.size() <= 1; }
  double num_flops() const { return num_flops_; }

  // Factors the matrix with `damping` added to its diagonal; false where it is not positive definite.
  bool factor(const SchurMatrix& matrix, const double* damping, int num_threads);
  // Solves in place for the unknowns, in their own order.
  void solve(double* x) const;

 private:
  // A supernode: consecutive unknowns whose columns in the factor have the same rows.
  struct Front {
    std::int32_t begin, end;          // its pivots, in elimination order
    std::vector<std::int32_t> nodes;  // places of the nodes that its pivots and the rows below belong to
    std::int64_t num_rows = 0;        // pivots and rows below
    std::int64_t parent = -1;
    std::vector<std::int64_t> children;
    std::vector<std::int64_t> blocks;  // of the matrix, with entries whose first-eliminated unknown is a pivot here
    Buffer<double> factor;             // (num_rows, pivots), rows `stride` apart
    std::int64_t stride = 0;
    Buffer<double> dense;   // while in work
    Buffer<double> update;  // the Schur complement for the parent: its lower triangle, row by row
    std::int64_t num_pivots() const { return end - begin; }
  };
  struct Workspace {
    std::vector<std::int64_t> row_of;  // first row of the node at each place in the front at work, -1 where it has none
    std::vector<double> scratch;
  };

  void find_fronts();
  void find_subtrees();
  void assign_blocks(const SchurMatrix& matrix);
  void add_block(const SchurMatrix& matrix, std::int64_t block, const Front& front,
                 const std::vector<std::int64_t>& row_of) const;
  void add_child(Front& child, const Front& front, const std::vector<std::int64_t>& row_of, int num_threads);
  void assemble(const SchurMatrix& matrix, const double* damping, Front& front, std::vector<std::int64_t>& row_of,
                int num_threads);
  bool factor_front(const SchurMatrix& matrix, const double* damping, Front& front, Workspace& work, int num_threads);

  const Unknowns& unknowns_;
  const Elimination order_;
  double num_flops_ = 0;
  std::vector<std::int32_t> eliminated_;  // unknown at each place of the unknowns' elimination order
  std::vector<std::int32_t> place_;       // where the unknowns of the node at a place begin in that order
  std::vector<std::int64_t> block_rows_;  // the image of each block's row
  std::vector<std::int64_t> front_of_;    // by place
  std::vector<Front> fronts_;             // children before their parents
  std::vector<std::pair<std::int64_t, std::int64_t>> subtrees_;  // intervals of fronts, each a task for one thread
  std::vector<std::int64_t> top_;                                // the fronts above them, all threads at each
};

}  // namespace fastcv::ba
