// SPDX-License-Identifier: Apache-2.0
// Cholesky factorisation of the reduced system by the multifrontal method, which works in dense blocks throughout: a
// full system is one such block. Source: Liu 1992, "The multifrontal method for sparse matrix solution".
#pragma once

#include <vector>

#include "ba/schur_matrix.h"
#include "ba/unknowns.h"

namespace fastcv::ba {

class SparseCholesky {
 public:
  // Orders the unknowns and finds where the factor has entries; false from feasible() where it would have more than
  // `most_entries`.
  SparseCholesky(const SchurMatrix& matrix, const Unknowns& unknowns, std::int64_t most_entries);

  bool feasible() const { return feasible_; }
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
    std::vector<std::int32_t> nodes;  // that its pivots and the rows below belong to, in elimination order
    std::int64_t num_rows = 0;        // pivots and rows below
    std::int64_t parent = -1;
    std::vector<std::int64_t> children;
    std::vector<std::int64_t> blocks;  // of the matrix, with entries whose first-eliminated unknown is a pivot here
    Buffer<double> factor;             // (num_rows, pivots), rows `stride` apart
    std::int64_t stride = 0;
    Buffer<double> update;  // while the parent waits for it
    std::int64_t num_pivots() const { return end - begin; }
  };

  void find_fronts(const std::vector<std::vector<std::int32_t>>& below, const std::vector<std::int32_t>& parent);
  void assign_blocks(const SchurMatrix& matrix);
  void add_block(const SchurMatrix& matrix, std::int64_t block, const Front& front, double* dense) const;
  void add_child(Front& child, double* dense, std::int64_t stride) const;
  void place(const Front& front);

  const Unknowns& unknowns_;
  bool feasible_ = true;
  double num_flops_ = 0;
  std::vector<std::int32_t> node_at_, position_;  // elimination order to node, and back
  std::vector<std::int32_t> eliminated_;          // unknown at each place of the elimination order
  std::vector<std::int32_t> place_;               // where the unknowns of the node at a place begin in that order
  std::vector<std::int64_t> block_rows_;          // the image of each block's row
  std::vector<std::int64_t> front_of_;            // by elimination order of nodes
  std::vector<std::int64_t> row_of_;              // first row of a node in the front at work, -1 where it has none
  std::vector<Front> fronts_;
  std::vector<double> scratch_;
};

}  // namespace fastcv::ba
