// SPDX-License-Identifier: Apache-2.0
// Dense Cholesky factorisation by block kernels: square tiles in shared memory, a column of tiles after the other.
//
// The matrix is row-major, its size a whole number of tiles, and its lower triangle becomes L. A column's own tile and
// those below it are eliminated one column at a time with one barrier each, as L D Lᵀ: the pivots' roots come last.
// An identity below it becomes L⁻ᵀ, for that is what solving its rows for L means.
#pragma once

#include "core/executor.h"

namespace fastcv::FASTCV_ISA::ba {

constexpr int kTile = 32;
// A column more, so that threads one row apart do not wait for the same memory bank.
struct Tile {
  double at[kTile][kTile + 1];
};

struct DenseMatrix {
  double* values;
  std::int64_t size;
  bool with_identity = false;  // (2 size, size): the matrix over an identity
  FASTCV_HD double* tile(std::int64_t row, std::int64_t column) const {
    return values + row * kTile * size + column * kTile;
  }
  FASTCV_HD std::int64_t tiles() const { return size / kTile; }
  std::int64_t num_values() const { return (with_identity ? 2 : 1) * size * size; }
  // Tiles below that of a column on the diagonal which are not zero: of the identity as many as were begun.
  std::int64_t below(std::int64_t column) const { return with_identity ? tiles() : tiles() - 1 - column; }
};

// The tile on the diagonal. `failed` becomes 1 where it is not positive definite.
struct FactorTile {
  static constexpr int kThreads = 256;
  using Shared = Tile;
  DenseMatrix matrix;
  std::int64_t column;
  double* failed;

  FASTCV_HD int num_phases() const { return kTile + 1; }
  FASTCV_HD void phase(int phase, std::int64_t, int thread, Shared& s) const {
    double* tile = matrix.tile(column, column);
    const int j = phase - 1;  // the column that was eliminated last
    for (int i = thread; i < kTile * kTile; i += kThreads) {
      const int r = i / kTile, c = i % kTile;
      if (phase == 0) {
        s.at[r][c] = tile[r * matrix.size + c];
      } else if (phase < kTile) {
        if (c > j && r >= c) s.at[r][c] -= s.at[r][j] * s.at[c][j] / s.at[j][j];
      } else if (r >= c) {
        tile[r * matrix.size + c] = s.at[r][c] / sqrt(s.at[c][c]);
        if (r == c && !(s.at[c][c] > 0)) *failed = 1;
      }
    }
  }
};

// The tiles below it, one block each: X Lᵀ = A.
struct SolveTiles {
  static constexpr int kThreads = 256;
  struct Shared {
    Tile l, x;
  };
  DenseMatrix matrix;
  std::int64_t column;

  FASTCV_HD int num_phases() const { return kTile + 1; }
  FASTCV_HD void phase(int phase, std::int64_t block, int thread, Shared& s) const {
    const double* diagonal = matrix.tile(column, column);
    double* tile = matrix.tile(column + 1 + block, column);
    const int j = phase - 1;
    for (int i = thread; i < kTile * kTile; i += kThreads) {
      const int r = i / kTile, c = i % kTile;
      if (phase == 0) {
        s.l.at[r][c] = diagonal[r * matrix.size + c];
        s.x.at[r][c] = tile[r * matrix.size + c];
      } else if (phase < kTile) {
        if (c > j) s.x.at[r][c] -= s.x.at[r][j] / s.l.at[j][j] * s.l.at[c][j];
      } else {
        tile[r * matrix.size + c] = s.x.at[r][c] / s.l.at[c][c];
      }
    }
  }
};

// What lies right of them, its lower triangle and what is below, one block a tile: A -= X Xᵀ.
struct UpdateTiles {
  static constexpr int kThreads = 256, kEntries = kTile * kTile / kThreads;  // of a thread, in one row
  struct Shared {
    Tile a, b;
  };
  DenseMatrix matrix;
  std::int64_t column;

  std::int64_t num_blocks() const {
    const std::int64_t right = matrix.tiles() - 1 - column;
    return right * (right + 1) / 2 + right * (matrix.below(column) - right);
  }
  FASTCV_HD int num_phases() const { return 2; }
  FASTCV_HD void phase(int phase, std::int64_t block, int thread, Shared& s) const {
    std::int64_t row, other;
    place(block, row, other);
    if (phase == 0) {
      const double *a = matrix.tile(row, column), *b = matrix.tile(other, column);
      for (int i = thread; i < kTile * kTile; i += kThreads) {
        s.a.at[i / kTile][i % kTile] = a[i / kTile * matrix.size + i % kTile];
        s.b.at[i / kTile][i % kTile] = b[i / kTile * matrix.size + i % kTile];
      }
      return;
    }
    const int r = thread / (kTile / kEntries), c = thread % (kTile / kEntries);
    double sums[kEntries] = {};
    for (int k = 0; k < kTile; ++k) {
      for (int i = 0; i < kEntries; ++i) sums[i] += s.a.at[r][k] * s.b.at[c + i * (kTile / kEntries)][k];
    }
    double* to = matrix.tile(row, other) + r * matrix.size + c;
    for (int i = 0; i < kEntries; ++i) to[i * (kTile / kEntries)] -= sums[i];
  }

 private:
  // The tiles of the triangle, then those below it, counted row by row.
  FASTCV_HD void place(std::int64_t block, std::int64_t& row, std::int64_t& other) const {
    const std::int64_t first = column + 1, right = matrix.tiles() - first, triangle = right * (right + 1) / 2;
    if (block >= triangle) {
      row = matrix.tiles() + (block - triangle) / right;
      other = first + (block - triangle) % right;
      return;
    }
    // The root may be off by one in its last digit.
    row = static_cast<std::int64_t>((sqrt(8.0 * static_cast<double>(block) + 1) - 1) / 2);
    while (row * (row + 1) / 2 > block) --row;
    while ((row + 1) * (row + 2) / 2 <= block) ++row;
    other = first + block - row * (row + 1) / 2;
    row += first;
  }
};

// L y = b, or Lᵀ y = b, in place: one block, a tile after the other.
struct SolveTriangle {
  static constexpr int kThreads = 512;
  struct Shared {
    Tile l;
    double x[kTile];
  };
  DenseMatrix matrix;
  double* x;
  bool transposed;

  FASTCV_HD int num_phases() const { return static_cast<int>(matrix.size / kTile) * (kTile + 1); }
  FASTCV_HD void phase(int phase, std::int64_t, int thread, Shared& s) const {
    const std::int64_t tiles = matrix.size / kTile, turn = phase / (kTile + 1);
    const std::int64_t tile = transposed ? tiles - 1 - turn : turn, first = tile * kTile;
    const int j = phase % (kTile + 1) - 1;
    if (j < 0) return load(tile, thread, s);
    if (j < kTile - 1) return eliminate(j, thread, s);
    // Everything else, with the tile's unknowns known.
    const std::int64_t begin = transposed ? 0 : first + kTile, end = transposed ? first : matrix.size;
    for (std::int64_t i = begin + thread; i < end; i += kThreads) {
      double sum = 0;
      for (int c = 0; c < kTile; ++c) {
        sum += matrix.values[transposed ? (first + c) * matrix.size + i : i * matrix.size + first + c] * solved(c, s);
      }
      x[i] -= sum;
    }
    if (thread < kTile) x[first + thread] = solved(thread, s);
  }

 private:
  FASTCV_HD double solved(int i, const Shared& s) const { return s.x[i] / s.l.at[i][i]; }
  FASTCV_HD void load(std::int64_t tile, int thread, Shared& s) const {
    const double* from = matrix.tile(tile, tile);
    for (int i = thread; i < kTile * kTile; i += kThreads)
      s.l.at[i / kTile][i % kTile] = from[i / kTile * matrix.size + i % kTile];
    if (thread < kTile) s.x[thread] = x[tile * kTile + thread];
  }
  FASTCV_HD void eliminate(int j, int thread, Shared& s) const {
    const int known = transposed ? kTile - 1 - j : j;
    const bool open = transposed ? thread < known : known < thread && thread < kTile;
    if (open) s.x[thread] -= solved(known, s) * (transposed ? s.l.at[known][thread] : s.l.at[thread][known]);
  }
};

// Factors the matrix; *failed is 1 where it is not positive definite, else as it was, which must be 0.
template <class Executor>
void factor(Executor& on, const DenseMatrix& matrix, double* failed) {
  constexpr std::int64_t kColumns = 16;  // of tiles, after which the host waits, for Ctrl-C and for a failure
  for (std::int64_t column = 0; column < matrix.tiles(); ++column) {
    on.launch(1, FactorTile{matrix, column, failed});
    const std::int64_t below = matrix.below(column);
    const UpdateTiles update{matrix, column};
    if (below > 0) on.launch(below, SolveTiles{matrix, column});
    if (update.num_blocks() > 0) on.launch(update.num_blocks(), update);
    if (column % kColumns != kColumns - 1) continue;
    double is_over;
    read(on, failed, 1, &is_over);
    if (is_over != 0) return;
  }
}

// With the factor: x = A⁻¹ x, of matrix.size numbers.
template <class Executor>
void solve_factored(Executor& on, const DenseMatrix& matrix, double* x) {
  on.launch(1, SolveTriangle{matrix, x, false});
  on.launch(1, SolveTriangle{matrix, x, true});
}

}  // namespace fastcv::FASTCV_ISA::ba
