// SPDX-License-Identifier: Apache-2.0
// Fronts, their factorisation, and the solution.
#include "ba/sparse_cholesky.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "ba/cholesky.h"
#include "core/interrupt.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

using Ints = Elimination::Ints;

// Rows of a matrix with `size` columns that are worth a thread's turn.
std::int64_t rows_at_a_time(std::int64_t size) { return 1 + (std::int64_t(1) << 17) / std::max<std::int64_t>(1, size); }

}  // namespace

SparseCholesky::SparseCholesky(const SchurMatrix& matrix, const Unknowns& unknowns, std::int64_t most_entries)
    : unknowns_(unknowns), order_(matrix, unknowns, most_entries) {
  if (!order_.feasible) return;
  find_fronts();
  find_subtrees();
  assign_blocks(matrix);
}

// Neighbouring columns become one front where they have the same rows, or almost: the zeros that are stored and
// computed with cost less than many small fronts.
void SparseCholesky::find_fronts() {
  const std::int32_t size = order_.size();
  const std::vector<Ints>& below = order_.below;
  const Ints& parent = order_.parent;
  place_.assign(size + 1, 0);
  for (std::int32_t j = 0; j < size; ++j) place_[j + 1] = place_[j] + unknowns_.node_size(order_.node_at[j]);
  eliminated_.resize(unknowns_.count());
  for (std::int32_t j = 0; j < size; ++j) {
    std::iota(eliminated_.begin() + place_[j], eliminated_.begin() + place_[j + 1],
              unknowns_.node_begin(order_.node_at[j]));
  }
  struct Range {
    std::int32_t begin, end;
    double entries;  // that are not zeros
  };
  const auto rows_below = [&](std::int32_t j) {
    double rows = 0;
    for (const std::int32_t i : below[j]) rows += place_[i + 1] - place_[i];
    return rows;
  };
  std::vector<Range> ranges;
  for (std::int32_t j = 0; j < size; ++j) {
    const double width = place_[j + 1] - place_[j], rest = rows_below(j);
    Range range{j, j + 1, width * (width + 1) / 2 + width * rest};
    while (!ranges.empty() && parent[ranges.back().end - 1] == j && ranges.back().end == range.begin) {
      const Range& child = ranges.back();
      const double all = place_[range.end] - place_[child.begin];
      const double merged = all * (all + 1) / 2 + all * rest, zeros = merged - child.entries - range.entries;
      const bool narrow = all <= 32;
      if (zeros > (narrow ? 0.5 : 0.1) * merged) break;
      range = {child.begin, range.end, child.entries + range.entries};
      ranges.pop_back();
    }
    ranges.push_back(range);
  }
  front_of_.assign(size, 0);
  fronts_.resize(ranges.size());
  for (std::size_t f = 0; f < ranges.size(); ++f) {
    Front& front = fronts_[f];
    const auto [begin, end, entries] = ranges[f];
    front.begin = place_[begin];
    front.end = place_[end];
    front.nodes.resize(end - begin);
    std::iota(front.nodes.begin(), front.nodes.end(), begin);
    const Ints& rest = below[end - 1];
    front.nodes.insert(front.nodes.end(), rest.begin(), rest.end());
    for (const std::int32_t node : front.nodes) front.num_rows += place_[node + 1] - place_[node];
    std::fill(front_of_.begin() + begin, front_of_.begin() + end, static_cast<std::int64_t>(f));
  }
  for (std::size_t f = 0; f < fronts_.size(); ++f) {
    if (fronts_[f].num_rows == fronts_[f].num_pivots()) continue;
    fronts_[f].parent = front_of_[parent[ranges[f].end - 1]];
    fronts_[fronts_[f].parent].children.push_back(static_cast<std::int64_t>(f));
  }
}

void SparseCholesky::assign_blocks(const SchurMatrix& matrix) {
  block_rows_.resize(matrix.row_begin(matrix.num_images()));
  const auto places = [&](std::int64_t image) {  // in the elimination order of nodes: at most three
    Ints nodes;
    for (int c = 0; c < unknowns_.width(); ++c) {
      const std::int32_t unknown = unknowns_.of_image(image)[c];
      if (unknown < 0) continue;
      const std::int32_t node = order_.position[unknowns_.node_of(unknown)];
      if (nodes.empty() || nodes.back() != node) nodes.push_back(node);
    }
    return nodes;
  };
  std::vector<Ints> nodes(matrix.num_images());
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) nodes[i] = places(i);
  for (std::int64_t i = 0; i < matrix.num_images(); ++i) {
    poll_interrupt();
    for (std::int64_t b = matrix.row_begin(i); b < matrix.row_begin(i + 1); ++b) {
      block_rows_[b] = i;
      for (const std::int32_t u : nodes[i]) {
        for (const std::int32_t v : nodes[matrix.column(b)]) {
          std::vector<std::int64_t>& blocks = fronts_[front_of_[std::min(u, v)]].blocks;
          if (blocks.empty() || blocks.back() != b) blocks.push_back(b);
        }
      }
    }
  }
}

// Where the work below a front is a small share of the whole, its subtree is one task: an interval of fronts.
void SparseCholesky::find_subtrees() {
  constexpr double kShare = 1.0 / 16;
  std::vector<double> flops(fronts_.size(), 0);
  std::vector<std::int64_t> first(fronts_.size());
  for (std::size_t f = 0; f < fronts_.size(); ++f) {
    const Front& front = fronts_[f];
    first[f] = static_cast<std::int64_t>(f);
    for (std::int64_t k = 0; k < front.num_pivots(); ++k) {
      flops[f] += static_cast<double>((front.num_rows - k) * (front.num_rows - k));
    }
    num_flops_ += flops[f];
    num_entries_ += 0.5 * static_cast<double>(front.num_rows * (front.num_rows + 1));
    for (const std::int64_t child : front.children) {
      flops[f] += flops[child];
      first[f] = std::min(first[f], first[child]);
    }
  }
  for (std::size_t f = 0; f < fronts_.size(); ++f) {
    if (flops[f] > kShare * num_flops_) {
      top_.push_back(static_cast<std::int64_t>(f));
    } else if (fronts_[f].parent < 0 || flops[fronts_[f].parent] > kShare * num_flops_) {
      subtrees_.emplace_back(first[f], static_cast<std::int64_t>(f) + 1);
    }
  }
}

void SparseCholesky::add_block(const SchurMatrix& matrix, std::int64_t block, const double* values, const Front& front,
                               const Workspace& work) const {
  const std::int64_t row = block_rows_[block], column = matrix.column(block);
  const bool diagonal = row == column;
  double scratch[Unknowns::kMostWidth * Unknowns::kMostWidth];
  const double* folded = unknowns_.fold(row, column, values, scratch);
  for_each_entry(matrix, block, folded, front, work.row_of, [&](std::int64_t i, std::int64_t j, double value) {
    // An unknown that two images share is met once here and once in the transposed block, which is not stored.
    work.rows[i][j] += !diagonal && i == j ? 2 * value : value;
  });
}

// All blocks of a matrix that is not stored: some rows are computed side by side, then added in their order.
void SparseCholesky::add_rows(const SchurMatrix& matrix, const Front& front, const Workspace& work,
                              int num_threads) const {
  constexpr std::int64_t kRows = 16;
  std::vector<SchurMatrix::Workspace> computed(kRows);
  const std::int64_t size = matrix.columns() * matrix.columns();
  for (std::int64_t first = 0; first < matrix.num_images(); first += kRows) {
    const std::int64_t count = std::min(kRows, matrix.num_images() - first);
    parallel_for(count, 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) matrix.row(first + i, computed[i]);
    });
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t row = matrix.row_begin(first + i);
      for (std::int64_t b = row; b < matrix.row_begin(first + i + 1); ++b) {
        add_block(matrix, b, computed[i].row.data() + (b - row) * size, front, work);
      }
    }
  }
}

// Adds the Schur complement that a child left.
void SparseCholesky::add_child(Front& child, const Workspace& work, int num_threads) {
  const std::int64_t pivots = child.num_pivots(), size = child.num_rows - pivots;
  std::vector<std::int64_t> rows;
  for (const std::int32_t node : child.nodes) {
    if (place_[node] < child.end) continue;
    for (std::int32_t i = place_[node]; i < place_[node + 1]; ++i) rows.push_back(work.row_of[node] + i - place_[node]);
  }
  parallel_for(size, rows_at_a_time(size), num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double* from = child.update.data() + i * (i + 1) / 2;
      double* to = work.rows[rows[i]];
      for (std::int64_t j = 0; j <= i; ++j) to[rows[j]] += from[j];
    }
  });
  child.update = {};
}

// The front's matrix, from the system's blocks and its children's complements.
void SparseCholesky::assemble(const SchurMatrix& matrix, const double* damping, Front& front, Workspace& work,
                              int num_threads) {
  const std::int64_t rows = front.num_rows;
  front.dense = Buffer<double>(row_place(rows, rows - 1) + band_stride(rows, rows - 1));
  work.rows.resize(rows);
  for (std::int64_t i = 0; i < rows; ++i) work.rows[i] = front.dense.data() + row_place(rows, i);
  parallel_for(rows, rows_at_a_time(rows), num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::fill_n(work.rows[i], i + 1, 0.0);
  });
  std::int64_t row = 0;
  for (const std::int32_t node : front.nodes) {
    work.row_of[node] = row;
    row += place_[node + 1] - place_[node];
  }
  if (matrix.is_stored()) {
    polled_for(static_cast<std::int64_t>(front.blocks.size()),
               [&](std::int64_t i) { add_block(matrix, front.blocks[i], matrix.block(front.blocks[i]), front, work); });
  } else {
    add_rows(matrix, front, work, num_threads);
  }
  for (std::int64_t i = 0; i < front.num_pivots(); ++i) work.rows[i][i] += damping[eliminated_[front.begin + i]];
  for (const std::int64_t child : front.children) add_child(fronts_[child], work, num_threads);
  for (const std::int32_t node : front.nodes) work.row_of[node] = -1;
}

bool SparseCholesky::factor_front(const SchurMatrix& matrix, const double* damping, Front& front, Workspace& work,
                                  int num_threads) {
  const std::int64_t rows = front.num_rows, pivots = front.num_pivots();
  assemble(matrix, damping, front, work, num_threads);
  if (!factor_columns(front.dense.data(), rows, pivots, work.scratch, num_threads)) return false;
  if (rows == pivots) {  // the matrix itself is the factor
    front.factor = std::move(front.dense);
    return true;
  }
  const std::int64_t rest = rows - pivots;
  front.update = Buffer<double>(rest * (rest + 1) / 2);
  parallel_for(rows, rows_at_a_time(rows), num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double* row = work.rows[i];
      std::copy_n(row, pivots, front.factor.data() + i * pivots);
      const std::int64_t below = i - pivots;
      if (below >= 0) std::copy_n(row + pivots, below + 1, front.update.data() + below * (below + 1) / 2);
    }
  });
  front.dense = {};
  return true;
}

bool SparseCholesky::factor(const SchurMatrix& matrix, const double* damping, int num_threads) {
  for (Front& front : fronts_) {
    front.update = {};  // left by a factorisation that broke off
    const std::int64_t rows = front.num_rows, pivots = front.num_pivots();
    // Of the factor what stays is allocated before what comes and goes, in whose holes it would lie; the last front's
    // makes room.
    if (rows == pivots) {
      front.factor = {};
    } else if (front.factor.size() == 0) {
      front.factor = Buffer<double>(rows * pivots);
    }
  }
  std::atomic<bool> definite{true};
  parallel_for(static_cast<std::int64_t>(subtrees_.size()), 1, num_threads, [&](std::int64_t task, std::int64_t) {
    Workspace work{std::vector<std::int64_t>(order_.size(), -1), {}, {}};
    for (std::int64_t f = subtrees_[task].first; f < subtrees_[task].second && definite; ++f) {
      if (!factor_front(matrix, damping, fronts_[f], work, 1)) definite = false;
    }
  });
  Workspace work{std::vector<std::int64_t>(order_.size(), -1), {}, {}};
  for (const std::int64_t f : top_) {
    if (!definite || !factor_front(matrix, damping, fronts_[f], work, num_threads)) return false;
  }
  return definite;
}

void SparseCholesky::solve(double* x) const {
  std::vector<double> y(eliminated_.size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[eliminated_[i]];
  const auto rows_of = [&](const Front& front) {
    Ints rows;
    for (const std::int32_t node : front.nodes) {
      for (std::int32_t i = place_[node]; i < place_[node + 1]; ++i) rows.push_back(i);
    }
    return rows;
  };
  for (const Front& front : fronts_) {  // L y = x
    const Ints rows = rows_of(front);
    const std::int64_t pivots = front.num_pivots();
    const double* head = y.data() + front.begin;
    poll_interrupt();
    polled_for(front.num_rows, [&](std::int64_t i) {
      const double* l = front.factor_row(i);
      const std::int64_t end = std::min(i, pivots);
      double sums[8] = {};  // so that the compiler can add in lanes
      std::int64_t k = 0;
      for (; k + 8 <= end; k += 8) {
        for (int lane = 0; lane < 8; ++lane) sums[lane] += l[k + lane] * head[k + lane];
      }
      for (; k < end; ++k) sums[0] += l[k] * head[k];
      double& value = y[rows[i]];
      for (const double sum : sums) value -= sum;
      if (i < pivots) value /= l[i];
    });
  }
  for (auto front = fronts_.rbegin(); front != fronts_.rend(); ++front) {  // Lᵀ x = y
    const Ints rows = rows_of(*front);
    const std::int64_t pivots = front->num_pivots();
    double* head = y.data() + front->begin;
    poll_interrupt();
    polled_for(front->num_rows, [&](std::int64_t done) {
      const std::int64_t i = front->num_rows - 1 - done;
      const double* l = front->factor_row(i);
      double& value = y[rows[i]];
      if (i < pivots) value /= l[i];
      const std::int64_t end = std::min(i, pivots);
      for (std::int64_t k = 0; k < end; ++k) head[k] -= l[k] * value;
    });
  }
  for (std::size_t i = 0; i < y.size(); ++i) x[eliminated_[i]] = y[i];
}

}  // namespace fastcv::ba
