// SPDX-License-Identifier: Apache-2.0
// Dense Cholesky factorisation of the first columns of a symmetric matrix: all of it, or a front of a sparse one.
#pragma once

#include <cstdint>
#include <vector>

namespace fastcv::ba {

constexpr std::int64_t kTileColumns = 24;
constexpr int kLargestPanel = 96;  // columns that are factored at a time

// Doubles a row of a matrix of n columns must have, so that tiles may write past the diagonal.
inline std::int64_t padded_stride(std::int64_t n) { return (n + 2 * kTileColumns - 1) / kTileColumns * kTileColumns; }

// Factors the first `pivots` columns of the n x n matrix whose lower triangle lies row-major in `matrix`, rows
// padded_stride(n) apart, and leaves the Schur complement of the rest, L₂₂ -= L₂₁ L₂₁ᵀ. What lies above the diagonal is
// overwritten with anything. False where the matrix is not positive definite. The same result for any number of
// threads.
bool factor_columns(double* matrix, std::int64_t n, std::int64_t pivots, std::vector<double>& scratch, int num_threads);

}  // namespace fastcv::ba
