// SPDX-License-Identifier: Apache-2.0
#include "ba/undamped.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/parallel.h"

#define FASTCV_LEAF "ba/eliminate_points.leaf.h"
#include "core/leaf.h"

namespace fastcv::ba {
namespace {

void damp_points(const Equations& e, double lambda, std::int64_t chunk) {
  FASTCV_DISPATCH(ba::damp_points(e, lambda, chunk));
}

// Uncertainty of an unknown by how much the others' adds to it: its variance times its own entry of the Hessian. What
// nothing determines has one of 1e14 or so, for the Jacobian is rounded to 6e-8.
constexpr double kMostInflation = 1e12;
double largest_inflation(const SchurMatrix& inverse, const double* hessians) {
  const int columns = inverse.columns();
  double largest = 0;
  for (std::int64_t i = 0; i < inverse.num_images(); ++i) {
    const double *variance = inverse.block(inverse.row_begin(i + 1) - 1), *hessian = hessians + i * columns * columns;
    for (int c = 0; c < columns; ++c) {
      const int at = block_index(columns, c, c);
      largest = std::max(largest, variance[at] * hessian[at]);
    }
  }
  return largest;
}

}  // namespace

Undamped::Undamped(const Arrangement& arrangement, const Unknowns& unknowns, const double* hessians, int num_threads)
    : matrix_(arrangement.equations()), cholesky_(matrix_, unknowns, std::numeric_limits<std::int64_t>::max()) {
  const Equations& e = arrangement.equations();
  parallel_for(arrangement.num_chunks(), 1, num_threads,
               [&](std::int64_t chunk, std::int64_t) { damp_points(e, 0, chunk); });
  for (std::int64_t p = 0; p < e.num_points; ++p) {
    if (e.point_free[p] && !(e.point_inverse[6 * p] > 0)) {
      throw std::invalid_argument("points[" + std::to_string(p) +
                                  "]: expected observations that determine it, got a singular block of the Hessian");
    }
  }
  matrix_.fill(hessians, 1, num_threads);
  const std::vector<double> damping(unknowns.count(), 0.0);
  const bool definite = cholesky_.factor(matrix_, damping.data(), num_threads);
  if (definite) cholesky_.invert(matrix_);
  if (!definite || largest_inflation(matrix_, hessians) > kMostInflation) {
    throw std::invalid_argument(
        "problem: expected observations that determine everything that is free, got a singular Hessian (a free gauge, "
        "or an image or parameter of which too little is seen?)");
  }
}

}  // namespace fastcv::ba
