// SPDX-License-Identifier: Apache-2.0
// Samples are distinct rows, uniform or from a growing pool.
#include "geometry/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

using fastcv::geometry::Sampler;

TEST_CASE("samples hold distinct rows and depend on the seed alone") {
  for (const bool sorted : {false, true}) {
    Sampler first(20, 5, sorted, 7), again(20, 5, sorted, 7), other(20, 5, sorted, 8);
    int different = 0;
    for (std::int64_t i = 0; i < 200; ++i) {
      std::int64_t a[5], b[5], c[5];
      first.draw(i, a);
      again.draw(i, b);
      other.draw(i, c);
      CHECK(std::set<std::int64_t>(a, a + 5).size() == 5);
      CHECK(*std::min_element(a, a + 5) >= 0);
      CHECK(*std::max_element(a, a + 5) < 20);
      CHECK(std::equal(a, a + 5, b));
      different += !std::equal(a, a + 5, c);
    }
    CHECK(different > 150);
  }
}

TEST_CASE("uniform samples hit every row alike") {
  constexpr int kRows = 10, kDraws = 20000;
  Sampler sampler(kRows, 4, false, 3);
  std::vector<int> hits(kRows);
  for (std::int64_t i = 0; i < kDraws; ++i) {
    std::int64_t sample[4];
    sampler.draw(i, sample);
    for (const std::int64_t row : sample) ++hits[row];
  }
  // Expected 8000 with a standard deviation of 69: within five of them.
  for (const int count : hits) CHECK(std::abs(count - kDraws * 4 / kRows) < 350);
}

TEST_CASE("a sorted sampler starts with the best rows and lets the worst ones in late") {
  Sampler sampler(1000, 5, true, 1);
  std::int64_t largest = 0;
  for (std::int64_t i = 0; i < 2000; ++i) {
    std::int64_t sample[5];
    sampler.draw(i, sample);
    if (i == 0) CHECK(*std::max_element(sample, sample + 5) < 6);
    const std::int64_t newest = *std::max_element(sample, sample + 5);
    CHECK(newest + 1 >= largest);  // the pool never shrinks, and holds its newest member
    largest = std::max(largest, newest);
  }
  // Of a million draws from all, the first n rows hold C(n,5) / C(1000,5): 2000 for n = 290 (the rounding up of each
  // pool's share to a whole draw takes a few).
  CHECK(largest > 275);
  CHECK(largest < 292);
}

TEST_CASE("a sample as large as the data is all of it") {
  for (const bool sorted : {false, true}) {
    Sampler sampler(3, 3, sorted, 0);
    std::int64_t sample[3];
    sampler.draw(0, sample);
    std::sort(sample, sample + 3);
    CHECK(sample[0] == 0);
    CHECK(sample[2] == 2);
  }
}
