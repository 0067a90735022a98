// SPDX-License-Identifier: Apache-2.0
// Real roots of polynomials that are products of known factors.
#include "geometry/polynomial.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace fastcv::geometry;

namespace {

// Coefficients of Π (x - root) · Π (x² + 1), ascending.
std::vector<double> product(const std::vector<double>& roots, int num_complex_pairs) {
  std::vector<double> c{1.0};
  const auto multiply = [&c](const std::vector<double>& factor) {
    std::vector<double> result(c.size() + factor.size() - 1);
    for (std::size_t i = 0; i < c.size(); ++i) {
      for (std::size_t j = 0; j < factor.size(); ++j) result[i + j] += c[i] * factor[j];
    }
    c = result;
  };
  for (const double root : roots) multiply({-root, 1.0});
  for (int k = 0; k < num_complex_pairs; ++k) multiply({1.0 + k, 0.0, 1.0});
  return c;
}

}  // namespace

TEST_CASE("a quadratic loses no digits to cancellation") {
  double roots[2];
  REQUIRE(solve_quadratic(1.0, -1e9, 1.0, roots) == 2);
  CHECK(std::min(roots[0], roots[1]) == doctest::Approx(1e-9).epsilon(1e-15));
  CHECK(solve_quadratic(1.0, 0.0, 1.0, roots) == 0);
  CHECK(solve_quadratic(0.0, 2.0, -4.0, roots) == 1);
  CHECK(roots[0] == 2.0);
}

TEST_CASE("a cubic has one or three real roots") {
  double roots[3];
  REQUIRE(solve_cubic(product({-2.0, 0.5, 3.0}, 0).data(), roots) == 3);
  std::sort(roots, roots + 3);
  CHECK(roots[0] == doctest::Approx(-2.0).epsilon(1e-14));
  CHECK(roots[1] == doctest::Approx(0.5).epsilon(1e-14));
  CHECK(roots[2] == doctest::Approx(3.0).epsilon(1e-14));
  REQUIRE(solve_cubic(product({7.0}, 1).data(), roots) == 1);
  CHECK(roots[0] == doctest::Approx(7.0).epsilon(1e-14));
}

TEST_CASE("a Sturm chain finds every real root, near and far") {
  double roots[10];
  const std::vector<std::vector<double>> cases{
      {-0.5, 0.25}, {-1000.0, -3.0, 0.01, 40000.0}, {-2.0, -1.0, -0.5, 0.0, 1.5, 2.5}, {1.0, 1.001, 4.0, 5.0}};
  for (const auto& expected : cases) {
    const auto c = product(expected, static_cast<int>(10 - expected.size()) / 2);
    REQUIRE(SturmSolver<10>().solve(c.data(), roots) == static_cast<int>(expected.size()));
    for (std::size_t k = 0; k < expected.size(); ++k) CHECK(roots[k] == doctest::Approx(expected[k]).epsilon(1e-9));
  }
}

TEST_CASE("no real roots, and no polynomial at all") {
  double roots[10];
  CHECK(SturmSolver<10>().solve(product({}, 5).data(), roots) == 0);
  const double zero[11] = {};
  CHECK(SturmSolver<10>().solve(zero, roots) == 0);
  double broken[11] = {};
  broken[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK(SturmSolver<10>().solve(broken, roots) == 0);
}
