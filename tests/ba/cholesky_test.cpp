// SPDX-License-Identifier: Apache-2.0
// The dense Cholesky factorisation against Eigen's: every size, partial factorisations, indefinite input, threads.
#include "ba/cholesky.h"

#include <doctest/doctest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <limits>
#include <random>
#include <vector>

using namespace fastcv::ba;

namespace {

// Eigenvalues from 1 to about 5, so that a result is good to a few roundings.
Eigen::MatrixXd positive_definite(std::int64_t n) {
  std::mt19937_64 random(n);
  std::normal_distribution<double> normal;
  const Eigen::MatrixXd b = Eigen::MatrixXd::NullaryExpr(n, n, [&] { return normal(random); });
  return Eigen::MatrixXd::Identity(n, n) + b * b.transpose() / static_cast<double>(n);
}

// As factor_columns() wants it, with NaN wherever it must not read.
std::vector<double> lower_rows(const Eigen::MatrixXd& matrix) {
  const std::int64_t n = matrix.rows();
  std::vector<double> rows(row_place(n, n - 1) + band_stride(n, n - 1), std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) rows[row_place(n, i) + j] = matrix(i, j);
  }
  return rows;
}

// L in the first `pivots` columns, the Schur complement in the others.
Eigen::MatrixXd partly_factored(const Eigen::MatrixXd& matrix, const Eigen::MatrixXd& l, std::int64_t pivots) {
  const std::int64_t rest = matrix.rows() - pivots;
  Eigen::MatrixXd expected = l;
  const Eigen::MatrixXd below = l.bottomLeftCorner(rest, pivots);
  expected.bottomRightCorner(rest, rest) = matrix.bottomRightCorner(rest, rest) - below * below.transpose();
  return expected;
}

double largest_difference(const std::vector<double>& rows, const Eigen::MatrixXd& expected) {
  const std::int64_t n = expected.rows();
  double largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      const double difference = std::abs(rows[row_place(n, i) + j] - expected(i, j));
      if (!(difference <= largest)) largest = difference;  // NaN stays
    }
  }
  return largest;
}

void check_size(std::int64_t n, const std::vector<std::int64_t>& all_pivots, std::vector<double>& scratch) {
  const Eigen::MatrixXd matrix = positive_definite(n), l = matrix.llt().matrixL();
  for (const std::int64_t pivots : all_pivots) {
    if (pivots > n) continue;
    std::vector<double> one = lower_rows(matrix), three = one;
    REQUIRE(factor_columns(one.data(), n, pivots, scratch, 1));
    REQUIRE(factor_columns(three.data(), n, pivots, scratch, 3));
    CAPTURE(n);
    CAPTURE(pivots);
    CHECK(largest_difference(one, partly_factored(matrix, l, pivots)) < 1e-13);
    bool same = true;
    for (std::int64_t i = 0; i < n; ++i) {
      const double* row = one.data() + row_place(n, i);
      same &= std::equal(row, row + i + 1, three.data() + row_place(n, i));
    }
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("factors of every size to 200 are Eigen's, whole and in part") {
  std::vector<double> scratch;  // kept: what an earlier call left in it must not matter
  for (std::int64_t n = 1; n <= 200; ++n) {
    check_size(n, {0, 1, 2, 7, 24, 47, 48, 49, 95, 96, 97, n / 2, n - 1, n}, scratch);
  }
}

TEST_CASE("large factors are Eigen's, whole and in part, on several threads") {
  std::vector<double> scratch;
  check_size(1000, {1, 48, 300, 512, 513, 608, 609, 999, 1000}, scratch);
}

TEST_CASE("a matrix that is not positive definite is refused where its pivot comes") {
  std::vector<double> scratch;
  for (const std::int64_t n : {1, 30, 130, 700}) {
    for (const std::int64_t wrong : {std::int64_t(0), n / 2, n - 1}) {
      Eigen::MatrixXd matrix = positive_definite(n);
      matrix(wrong, wrong) = -1;
      for (const int threads : {1, 3}) {
        std::vector<double> rows = lower_rows(matrix);
        CHECK_FALSE(factor_columns(rows.data(), n, n, scratch, threads));
        rows = lower_rows(matrix);
        CHECK(factor_columns(rows.data(), n, wrong, scratch, threads));
        matrix(wrong, wrong) = std::numeric_limits<double>::quiet_NaN();
        rows = lower_rows(matrix);
        CHECK_FALSE(factor_columns(rows.data(), n, wrong + 1, scratch, threads));
        matrix(wrong, wrong) = -1;
      }
    }
  }
}

TEST_CASE("a matrix of zeros is not positive definite") {
  std::vector<double> scratch, rows = lower_rows(Eigen::MatrixXd::Zero(5, 5));
  CHECK_FALSE(factor_columns(rows.data(), 5, 5, scratch, 1));
}
