// SPDX-License-Identifier: Apache-2.0
// The reduced system of the images' columns, written out: blocks for every pair of free images that see a common free
// point, and of every image with itself.
#pragma once

#include <vector>

#include "ba/arrangement.h"

namespace fastcv::ba {

class SchurMatrix {
 public:
  explicit SchurMatrix(const Equations& equations);
  // Of any other system, whose blocks the caller writes: row i has the columns below[i], ascending, the last of them i.
  SchurMatrix(int columns, const std::vector<std::vector<std::int32_t>>& below);

  // scale U - W V⁻¹ Wᵀ from the linearised, damped equations; `hessians` holds the blocks of U by image. fill() stores
  // it; after set() a row is computed when it is asked for, and `hessians` must stay.
  void fill(const double* hessians, double scale, int num_threads);
  void set(const double* hessians, double scale);

  // The blocks of a row one after the other. The workspace belongs to a thread, and keeps a row that is not stored.
  struct Workspace {
    std::vector<std::int64_t> slots, next;
    std::vector<double> row;
  };
  const double* row(std::int64_t image, Workspace& work) const;
  bool is_stored() const { return blocks_.size() > 0; }

  // y = S x for (num_images, columns), after fill().
  void multiply(const double* x, double* y, int num_threads);

  int columns() const { return columns_; }
  std::int64_t num_images() const { return static_cast<std::int64_t>(row_begin_.size()) - 1; }
  // The blocks (image, j) with j <= image, by ascending j; the last one is the diagonal.
  std::int64_t row_begin(std::int64_t image) const { return row_begin_[image]; }
  std::int32_t column(std::int64_t block) const { return column_[block]; }
  double* block(std::int64_t block) { return blocks_.data() + block * columns_ * columns_; }
  const double* block(std::int64_t block) const { return blocks_.data() + block * columns_ * columns_; }

 private:
  void compute_row(std::int64_t image, Workspace& work, double* row) const;
  void list_by_column();

  const Equations* equations_ = nullptr;
  const double* hessians_ = nullptr;
  double scale_ = 0;
  int columns_;
  std::vector<std::int64_t> row_begin_;
  std::vector<std::int32_t> column_;
  Buffer<double> blocks_;
  // Of the blocks below the diagonal by column, from the first multiply() on: where they are, and their rows.
  std::vector<std::int64_t> below_begin_, below_;
  std::vector<std::int32_t> below_rows_;
};

}  // namespace fastcv::ba
