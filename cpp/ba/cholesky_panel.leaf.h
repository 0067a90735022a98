// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h. Steps of a blocked Cholesky factorisation of the lower triangle of
// a row-major matrix with `stride` doubles a row. Source: Golub & Van Loan 2013, section 4.2.6.
namespace fastcv::FASTCV_ISA::ba {

// Factors the block of `size` columns at the diagonal element `block`. False where it is not positive definite.
bool factor_diagonal(double* block, std::int64_t stride, int size);

// Solves X Lᵀ = A for `count` rows A at `rows`, in place; `diagonal` is the factored block. X goes to the columns of
// `packed` (size, packed_stride) as well, followed by zeros up to a whole number of tiles.
void solve_rows(const double* diagonal, double* rows, std::int64_t stride, int size, std::int64_t count, double* packed,
                std::int64_t packed_stride);

// C -= X Yᵀ with X `count` rows at `x`, and Yᵀ the columns of `packed`; `columns` is a number of whole tiles.
void subtract_product(double* c, const double* x, std::int64_t stride, int size, std::int64_t count,
                      const double* packed, std::int64_t packed_stride, std::int64_t columns);

}  // namespace fastcv::FASTCV_ISA::ba
