// SPDX-License-Identifier: Apache-2.0
// Null space of a few equations in nine unknowns, the entries of a 3x3 matrix.
#pragma once

#include <cmath>

namespace fastcv::geometry {

// Orthonormal basis of what is orthogonal to all rows, by Householder reflections that turn the rows into the first M
// unit vectors' span (Golub & Van Loan 2013, section 5.2.2); the reflected last unit vectors are the basis. The rows
// are overwritten.
template <int M>
void null_space(double (&rows)[M][9], double (&basis)[9 - M][9]) {
  for (int n = 0; n < M; ++n) {  // rows[n][n:] becomes the reflection's unit vector
    double norm2 = 0.0;
    for (int k = n; k < 9; ++k) norm2 += rows[n][k] * rows[n][k];
    const double head = rows[n][n] + std::copysign(std::sqrt(norm2), rows[n][n]);
    const double length2 = norm2 - rows[n][n] * rows[n][n] + head * head;
    const double scale = length2 > 0.0 ? 1.0 / std::sqrt(length2) : 0.0;
    rows[n][n] = head;
    for (int k = n; k < 9; ++k) rows[n][k] *= scale;
    for (int m = n + 1; m < M; ++m) {
      double dot = 0.0;
      for (int k = n; k < 9; ++k) dot += rows[n][k] * rows[m][k];
      for (int k = n; k < 9; ++k) rows[m][k] -= 2.0 * dot * rows[n][k];
    }
  }
  for (int b = 0; b < 9 - M; ++b) {
    double(&v)[9] = basis[b];
    for (int k = 0; k < 9; ++k) v[k] = k == M + b ? 1.0 : 0.0;
    for (int n = M - 1; n >= 0; --n) {
      double dot = 0.0;
      for (int k = n; k < 9; ++k) dot += rows[n][k] * v[k];
      for (int k = n; k < 9; ++k) v[k] -= 2.0 * dot * rows[n][k];
    }
  }
}

}  // namespace fastcv::geometry
