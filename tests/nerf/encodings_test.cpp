// SPDX-License-Identifier: Apache-2.0
// Encodings of single points, which GPUs run, have the bits of the blocks, with tangents and without.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "nerf/frequency.hd.h"
#include "nerf/spherical_harmonics.hd.h"

namespace fastcv {
namespace {

constexpr std::int64_t kRows = 37;  // no multiple of any vector's length

template <class P>
std::vector<P> random_values(std::mt19937& random, std::int64_t size) {
  std::uniform_real_distribution<P> uniform(P(-1.5), P(1.5));
  std::vector<P> values(static_cast<std::size_t>(size));
  for (P& value : values) value = uniform(random);
  return values;
}

template <class P>
bool same_bits(const std::vector<P>& a, const std::vector<P>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(P)) == 0;
}

template <class One>
void run(const One& one, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) one(i);
}

template <int Order, class P>
void check_frequency(bool include_input, const std::vector<P>& points, const std::vector<P>& tangents) {
  std::mt19937 random(1);
  nerf::FrequencyBands bands{3, 7, include_input, {}};
  for (int k = 0; k < bands.count; ++k) bands.weights[k] = 1.0 - 0.1 * k;
  const P* along = Order == 0 ? nullptr : tangents.data();
  const auto grad = random_values<P>(random, kRows * bands.width());
  std::vector<P> features(grad.size()), expected(grad.size()), by_points(points.size()),
      expected_by_points(points.size());
  nerf::frequency_encoding(bands, points.data(), along, kRows, features.data(), 1);
  run(generic::FrequencyOne<Order, P>{bands, points.data(), along, expected.data()}, kRows * 3 * bands.count);
  CHECK(same_bits(features, expected));
  nerf::frequency_encoding_vjp(bands, points.data(), along, kRows, grad.data(), by_points.data(), 1);
  run(generic::FrequencyVjpOne<Order + 1, P>{bands, points.data(), along, grad.data(), expected_by_points.data()},
      kRows * 3);
  CHECK(same_bits(by_points, expected_by_points));
}

template <class W, class P>
void check_harmonics(int degree, const std::vector<P>& points, const P* along) {
  std::mt19937 random(2);
  const auto grad = random_values<P>(random, kRows * degree * degree);
  std::vector<P> values(grad.size()), expected(grad.size()), by_points(points.size()),
      expected_by_points(points.size());
  nerf::spherical_harmonics(degree, points.data(), along, kRows, values.data(), 1);
  run(generic::SphericalOne<W, P>{degree, points.data(), along, expected.data()}, kRows);
  CHECK(same_bits(values, expected));
  nerf::spherical_harmonics_vjp(degree, points.data(), along, kRows, grad.data(), by_points.data(), 1);
  run(generic::SphericalVjpOne<W, P>{degree, points.data(), along, grad.data(), expected_by_points.data()}, kRows);
  CHECK(same_bits(by_points, expected_by_points));
}

template <class P>
void check_all() {
  std::mt19937 random(0);
  const auto points = random_values<P>(random, kRows * 3), tangents = random_values<P>(random, kRows * 3);
  for (const bool include_input : {false, true}) {
    check_frequency<0>(include_input, points, tangents);
    check_frequency<1>(include_input, points, tangents);
  }
  for (int degree = 1; degree <= nerf::kMaxSphericalDegree; ++degree) {
    CAPTURE(degree);
    check_harmonics<P>(degree, points, static_cast<const P*>(nullptr));
    check_harmonics<generic::Along<P>>(degree, points, tangents.data());
  }
}

TEST_CASE("encodings: single points and blocks of them have the same bits") {
  check_all<float>();
  check_all<double>();
}

}  // namespace
}  // namespace fastcv
