// SPDX-License-Identifier: Apache-2.0
// Dense Cholesky factorisation of the first columns of a symmetric matrix: all of it, or a front of a sparse one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fastcv::ba {

constexpr std::int64_t kTileColumns = 24;
constexpr int kLargestPanel = 96;  // columns that are factored at a time

// How a lower triangle of n rows lies in memory: in bands of rows of one length, the longest row's and what tiles may
// write past the diagonal. Half of a square.
constexpr std::int64_t kBandRows = 96;
inline std::int64_t band_stride(std::int64_t n, std::int64_t row) {
  const std::int64_t end = std::min(n, (row / kBandRows + 1) * kBandRows);
  return (end + 2 * kTileColumns - 1) / kTileColumns * kTileColumns;
}
// Where row i begins; that of row n is the end.
inline std::int64_t row_place(std::int64_t n, std::int64_t i) {
  const std::int64_t bands = i / kBandRows, rows = i % kBandRows;
  return kBandRows * (kBandRows * (bands * (bands + 1) / 2) + kTileColumns * bands) +
         (rows > 0 ? rows * band_stride(n, i) : 0);
}

// Factors the first `pivots` columns of the n x n matrix whose lower triangle lies in `matrix`, and leaves the Schur
// complement of the rest, L₂₂ -= L₂₁ L₂₁ᵀ. What lies above the diagonal is overwritten with anything. False where the
// matrix is not positive definite. The same result for any number of threads.
bool factor_columns(double* matrix, std::int64_t n, std::int64_t pivots, std::vector<double>& scratch, int num_threads);

}  // namespace fastcv::ba
