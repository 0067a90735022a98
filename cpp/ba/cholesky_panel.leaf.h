// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h. Steps of a blocked Cholesky factorisation of the lower triangle of
// a row-major matrix with `stride` doubles a row. Source: Golub & Van Loan 2013, section 4.2.6.
namespace fastcv::FASTCV_ISA::ba {

// Factors the block of `size` columns at the diagonal element `block`. False where it is not positive definite.
bool factor_diagonal(double* block, std::int64_t stride, int size);

// Solves X Lᵀ = A for `count` rows A at `rows`, in place; `diagonal` is the factored block. Xᵀ goes to `packed` as
// well, by tiles of kTileColumns columns, each (size, kTileColumns) without gaps; the last one is filled up with zeros.
void solve_rows(const double* diagonal, std::int64_t stride, double* const* rows, int size, std::int64_t count,
                double* packed);

// C -= X Yᵀ with X `count` rows at `x`, and Yᵀ the packed columns; `columns` is a number of whole tiles.
void subtract_product(double* c, const double* x, std::int64_t stride, int size, std::int64_t count,
                      const double* packed, std::int64_t columns);

}  // namespace fastcv::FASTCV_ISA::ba
