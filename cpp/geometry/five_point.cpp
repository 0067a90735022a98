// SPDX-License-Identifier: Apache-2.0
// The five-point algorithm. Source: Nistér 2004, "An efficient solution to the five-point relative pose problem",
// IEEE PAMI 26(6). Plain arrays throughout: the whole solver is a few microseconds.
#include "geometry/five_point.h"

#include <cmath>
#include <utility>

#include "geometry/null_space.h"
#include "geometry/polynomial.h"

namespace fastcv::geometry {
namespace {

// E = x X + y Y + z Z + W with a basis X, Y, Z, W of the constraints' null space. Monomials:
//   linear     x y z 1
//   quadratic  x² xy y² xz yz z² x y z 1
//   cubic      x³ y³ x²y xy² x²z x² y²z y² xyz xy | xz² xz x yz² yz y z³ z² z 1   (Nistér's elimination order)
using Linear = std::array<double, 4>;
using Quadratic = std::array<double, 10>;
using Cubic = std::array<double, 20>;

constexpr int kQuadraticOf[4][4] = {{0, 1, 3, 6}, {1, 2, 4, 7}, {3, 4, 5, 8}, {6, 7, 8, 9}};
constexpr int kCubicOf[10][4] = {{0, 2, 4, 5},     {2, 3, 8, 9},   {3, 1, 6, 7},   {4, 8, 10, 11},   {8, 6, 13, 14},
                                 {10, 13, 16, 17}, {5, 9, 11, 12}, {9, 7, 14, 15}, {11, 14, 17, 18}, {12, 15, 18, 19}};

inline void add_product(const Linear& a, const Linear& b, double sign, Quadratic& sum) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[kQuadraticOf[i][j]] += sign * a[i] * b[j];
  }
}

inline void add_product(const Quadratic& a, const Linear& b, Cubic& sum) {
#pragma GCC unroll 10
  for (int i = 0; i < 10; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[kCubicOf[i][j]] += a[i] * b[j];
  }
}

// The ten cubic constraints det E = 0 and (E Eᵀ - ½ tr(E Eᵀ) I) E = 0.
void constraints(const Linear* e, Cubic* rows) {
  Quadratic product[3][3] = {};  // E Eᵀ, then less half its trace
  for (int i = 0; i < 3; ++i) {
    for (int j = i; j < 3; ++j) {
      for (int k = 0; k < 3; ++k) add_product(e[3 * i + k], e[3 * j + k], 1.0, product[i][j]);
    }
  }
  for (int k = 0; k < 10; ++k) {
    const double half_trace = 0.5 * (product[0][0][k] + product[1][1][k] + product[2][2][k]);
    for (int i = 0; i < 3; ++i) product[i][i][k] -= half_trace;
  }
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 3; ++k) add_product(product[std::min(i, k)][std::max(i, k)], e[3 * k + j], rows[3 * i + j]);
    }
  }
  for (int k = 0; k < 3; ++k) {  // the determinant by its first row
    const int a = (k + 1) % 3, b = (k + 2) % 3;
    Quadratic minor{};
    add_product(e[3 + a], e[6 + b], 1.0, minor);
    add_product(e[3 + b], e[6 + a], -1.0, minor);
    add_product(minor, e[k], rows[9]);
  }
}

// Gaussian elimination with row pivoting of the first ten columns; rows 4 to 9 are then solved for their monomials
// x²z x² y²z y² xyz xy. False where the constraints are dependent.
bool eliminate(Cubic* rows) {
  for (int c = 0; c < 10; ++c) {
    int pivot = c;
    for (int r = c + 1; r < 10; ++r) {
      if (std::abs(rows[r][c]) > std::abs(rows[pivot][c])) pivot = r;
    }
    if (!(std::abs(rows[pivot][c]) > 0.0)) return false;
    std::swap(rows[c], rows[pivot]);
    const double inv_pivot = 1.0 / rows[c][c];
    for (int r = c + 1; r < 10; ++r) {
      const double factor = rows[r][c] * inv_pivot;
      for (int k = c + 1; k < 20; ++k) rows[r][k] -= factor * rows[c][k];
    }
  }
  for (int r = 9; r >= 4; --r) {
    for (int s = r + 1; s < 10; ++s) {
      for (int k = 10; k < 20; ++k) rows[r][k] -= rows[r][s] * rows[s][k];
    }
    const double inv_pivot = 1.0 / rows[r][r];
    for (int k = 10; k < 20; ++k) rows[r][k] *= inv_pivot;
  }
  return true;
}

// Row k of B(z): row e of the eliminated system less z times row f, a polynomial in z for x, y and 1 each.
struct ReducedRow {
  double x[4], y[4], one[5];
};

ReducedRow reduce(const Cubic& e, const Cubic& f) {
  const double* a = e.data() + 10;
  const double* b = f.data() + 10;
  return {{a[2], a[1] - b[2], a[0] - b[1], -b[0]},
          {a[5], a[4] - b[5], a[3] - b[4], -b[3]},
          {a[9], a[8] - b[9], a[7] - b[8], a[6] - b[7], -b[6]}};
}

// det B(z), degree ten.
void determinant(const ReducedRow* rows, double* c) {
  for (int k = 0; k <= 10; ++k) c[k] = 0.0;
  for (int i = 0; i < 3; ++i) {
    const ReducedRow &p = rows[(i + 1) % 3], &q = rows[(i + 2) % 3];
    double minor[7] = {};
    for (int m = 0; m < 4; ++m) {
      for (int n = 0; n < 4; ++n) minor[m + n] += p.x[m] * q.y[n] - p.y[m] * q.x[n];
    }
    for (int m = 0; m < 5; ++m) {
      for (int n = 0; n < 7; ++n) c[m + n] += rows[i].one[m] * minor[n];
    }
  }
}

// The null vector (x, y, 1) of B(z) up to scale: the longest cross product of two rows.
void null_vector(const ReducedRow* rows, double z, double* xyw) {
  double b[3][3];
  for (int i = 0; i < 3; ++i) {
    const ReducedRow& r = rows[i];
    b[i][0] = r.x[0] + z * (r.x[1] + z * (r.x[2] + z * r.x[3]));
    b[i][1] = r.y[0] + z * (r.y[1] + z * (r.y[2] + z * r.y[3]));
    b[i][2] = r.one[0] + z * (r.one[1] + z * (r.one[2] + z * (r.one[3] + z * r.one[4])));
  }
  double longest = -1.0;
  for (int i = 0; i < 3; ++i) {
    const double *p = b[i], *q = b[(i + 1) % 3];
    const double n[3] = {p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]};
    const double length2 = n[0] * n[0] + n[1] * n[1] + n[2] * n[2];
    if (length2 > longest) {
      longest = length2;
      for (int k = 0; k < 3; ++k) xyw[k] = n[k];
    }
  }
}

}  // namespace

int five_point(const double* rays1, const double* rays2, Matrix3* essentials) {
  double equations[5][9], basis[4][9];
  for (int n = 0; n < 5; ++n) {
    for (int k = 0; k < 9; ++k) equations[n][k] = rays2[3 * n + k / 3] * rays1[3 * n + k % 3];
  }
  null_space(equations, basis);
  Linear entry[9];  // of X, Y, Z and W
  for (int k = 0; k < 9; ++k) entry[k] = {basis[0][k], basis[1][k], basis[2][k], basis[3][k]};
  Cubic rows[10] = {};
  constraints(entry, rows);
  if (!eliminate(rows)) return 0;
  const ReducedRow reduced[3] = {reduce(rows[4], rows[5]), reduce(rows[6], rows[7]), reduce(rows[8], rows[9])};
  double coefficients[11], roots[10];
  determinant(reduced, coefficients);
  const int num_roots = SturmSolver<10>().solve(coefficients, roots);
  int count = 0;
  for (int k = 0; k < num_roots; ++k) {
    double v[3] = {}, norm2 = 0.0;
    null_vector(reduced, roots[k], v);
    Matrix3& essential = essentials[count];
    for (int i = 0; i < 9; ++i) {
      essential[i] = v[0] * entry[i][0] + v[1] * entry[i][1] + v[2] * (roots[k] * entry[i][2] + entry[i][3]);
      norm2 += essential[i] * essential[i];
    }
    if (!(norm2 > 0.0) || !std::isfinite(norm2)) continue;
    for (double& value : essential) value /= std::sqrt(norm2);
    ++count;
  }
  return count;
}

}  // namespace fastcv::geometry
