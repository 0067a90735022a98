// SPDX-License-Identifier: Apache-2.0
#include "ba/schur_matrix.h"

#include <algorithm>

#include "core/interrupt.h"
#include "core/parallel.h"

#define FASTCV_LEAF "ba/eliminate_points.leaf.h"
#include "core/leaf.h"
#undef FASTCV_LEAF
#define FASTCV_LEAF "ba/multiply_blocks.leaf.h"
#include "core/leaf.h"

namespace fastcv::ba {
namespace {

// Bytes of a row that are worked on at a time: a part of the first-level cache.
constexpr std::int64_t kCached = 32 << 10;

void add_schur_row(const Equations& equations, std::int64_t image, std::int32_t images_begin, std::int32_t images_end,
                   const std::int64_t* slots, std::int64_t* next, double* row) {
  FASTCV_DISPATCH(ba::add_schur_row(equations, image, images_begin, images_end, slots, next, row));
}

void multiply_blocks(int columns, const double* blocks, const std::int32_t* others, std::int64_t count, const double* x,
                     double* y) {
  FASTCV_DISPATCH(ba::multiply_blocks(columns, blocks, others, count, x, y));
}
void multiply_transposed_blocks(int columns, const double* blocks, const std::int64_t* places,
                                const std::int32_t* others, std::int64_t count, const double* x, double* y) {
  FASTCV_DISPATCH(ba::multiply_transposed_blocks(columns, blocks, places, others, count, x, y));
}

}  // namespace

SchurMatrix::SchurMatrix(const Equations& e) : equations_(&e), columns_(e.columns), row_begin_{0} {
  std::vector<std::int64_t> seen_in(e.num_images, -1);
  for (std::int64_t image = 0; image < e.num_images; ++image) {
    poll_interrupt();
    const auto add = [&](std::int32_t other) {
      if (seen_in[other] == image || !e.image_free[other]) return;
      seen_in[other] = image;
      column_.push_back(other);
    };
    const std::int64_t end = e.image_free[image] ? e.image_begin[image + 1] : e.image_begin[image];
    for (std::int64_t i = e.image_begin[image]; i < end; ++i) {
      const std::int64_t k = e.by_image[i], p = e.image_points[i];
      if (!e.point_free[p]) continue;
      for (std::int64_t other = e.point_begin[p]; other < k; ++other) add(e.images[other]);
    }
    column_.push_back(static_cast<std::int32_t>(image));
    std::sort(column_.begin() + row_begin_.back(), column_.end());
    row_begin_.push_back(static_cast<std::int64_t>(column_.size()));
  }
}

SchurMatrix::SchurMatrix(int columns, const std::vector<std::vector<std::int32_t>>& below)
    : columns_(columns), row_begin_{0} {
  for (const std::vector<std::int32_t>& row : below) {
    column_.insert(column_.end(), row.begin(), row.end());
    row_begin_.push_back(static_cast<std::int64_t>(column_.size()));
  }
  blocks_ = Buffer<double>(row_begin_.back() * columns * columns);
}

void SchurMatrix::compute_row(std::int64_t image, Workspace& work, double* row) const {
  const Equations& e = *equations_;
  const std::int64_t size = std::int64_t(columns_) * columns_, first = row_begin_[image], end = row_begin_[image + 1];
  std::fill_n(row, (end - first - 1) * size, 0.0);
  double* diagonal = row + (end - first - 1) * size;
  for (std::int64_t i = 0; i < size; ++i) diagonal[i] = scale_ * hessians_[image * size + i];
  if (!e.image_free[image]) return;
  work.slots.resize(num_images(), -1);  // which stays, of fixed images
  work.next.resize(std::max<std::size_t>(work.next.size(), e.image_begin[image + 1] - e.image_begin[image]));
  for (std::int64_t b = first; b < end; ++b) work.slots[column_[b]] = b - first;
  const std::int64_t step = std::max<std::int64_t>(1, kCached / (size * std::int64_t(sizeof(double))));
  for (std::int64_t b = first; b < end; b += step) {
    poll_interrupt();
    const std::int32_t from = b == first ? 0 : column_[b];
    const std::int32_t to = b + step < end ? column_[b + step] : static_cast<std::int32_t>(image) + 1;
    add_schur_row(e, image, from, to, work.slots.data(), work.next.data(), row);
  }
}

const double* SchurMatrix::row(std::int64_t image, Workspace& work) const {
  if (is_stored()) return block(row_begin_[image]);
  const std::size_t size = (row_begin_[image + 1] - row_begin_[image]) * columns_ * columns_;
  work.row.resize(std::max(work.row.size(), size));
  compute_row(image, work, work.row.data());
  return work.row.data();
}

void SchurMatrix::set(const double* hessians, double scale) {
  hessians_ = hessians;
  scale_ = scale;
}

void SchurMatrix::fill(const double* hessians, double scale, int num_threads) {
  set(hessians, scale);
  // Not before it is used: a solve that turns out to need no factor must not fail for want of its memory.
  if (!is_stored()) blocks_ = Buffer<double>(row_begin_.back() * columns_ * columns_);
  // Rows grow with the image's index; the long ones first. A few at a time share a workspace.
  constexpr std::int64_t kRows = 8;
  parallel_for((num_images() + kRows - 1) / kRows, 1, num_threads, [&](std::int64_t task, std::int64_t) {
    Workspace work;
    const std::int64_t end = num_images() - kRows * task;
    for (std::int64_t image = end - 1; image >= std::max<std::int64_t>(0, end - kRows); --image) {
      compute_row(image, work, block(row_begin_[image]));
    }
  });
}

void SchurMatrix::list_by_column() {
  below_begin_.assign(num_images() + 1, 0);
  for (const std::int32_t column : column_) ++below_begin_[column + 1];
  for (std::int64_t i = 0; i < num_images(); ++i) below_begin_[i + 1] += below_begin_[i] - 1;  // without the diagonal
  below_.resize(below_begin_.back());
  below_rows_.resize(below_begin_.back());
  std::vector<std::int64_t> next = below_begin_;
  for (std::int32_t row = 0; row < num_images(); ++row) {
    for (std::int64_t b = row_begin_[row]; b < row_begin_[row + 1] - 1; ++b) {
      const std::int64_t at = next[column_[b]]++;
      below_[at] = b;
      below_rows_[at] = row;
    }
  }
}

void SchurMatrix::multiply(const double* x, double* y, int num_threads) {
  if (below_begin_.empty()) list_by_column();
  parallel_for(num_images(), 16, num_threads, [&](std::int64_t begin, std::int64_t end) {
    std::fill(y + begin * columns_, y + end * columns_, 0.0);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = row_begin_[i], below = below_begin_[i];
      multiply_blocks(columns_, block(first), column_.data() + first, row_begin_[i + 1] - first, x, y + i * columns_);
      multiply_transposed_blocks(columns_, blocks_.data(), below_.data() + below, below_rows_.data() + below,
                                 below_begin_[i + 1] - below, x, y + i * columns_);
    }
  });
}

}  // namespace fastcv::ba
