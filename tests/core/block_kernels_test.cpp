// SPDX-License-Identifier: Apache-2.0
// Loops and sums of block kernels, as the CPU runs them: every element once, whatever the sizes.
#include <doctest/doctest.h>

#include <vector>

#include "backwards_executor.h"
#include "core/host_executor.h"

using namespace fastcv;
using namespace fastcv::generic;

namespace {

struct Threads : HostExecutor {
  Threads() : HostExecutor(2) {}
};

struct CountUp {
  int* counts;
  void operator()(std::int64_t i) const { ++counts[i]; }
};
// Whole numbers below 2^53, so that no order of summation changes anything; the largest is neither first nor last.
struct Index {
  double operator()(std::int64_t i) const { return static_cast<double>((7 * i + 3) % 10007); }
};
// Row r has r items; entry e of item i counts (r + 1) (i + 1) (e + 1).
struct Products {
  int entries;
  double* sums;
  int size() const { return entries; }
  std::int64_t begin(std::int64_t row) const { return 10 * row; }
  std::int64_t end(std::int64_t row) const { return 11 * row; }
  double term(std::int64_t row, std::int64_t item, int entry) const {
    return static_cast<double>((row + 1) * (item - 10 * row + 1) * (entry + 1));
  }
  void store(std::int64_t row, int entry, double sum) const { sums[row * entries + entry] = sum; }
};

}  // namespace

TEST_CASE_TEMPLATE("for_each reaches every element once", Executor, Threads, BackwardsExecutor) {
  const Executor on;
  for (const std::int64_t n : {0, 1, 255, 256, 257, 100000}) {
    std::vector<int> counts(n, 0);
    for_each(on, n, CountUp{counts.data()});
    CHECK(counts == std::vector<int>(n, 1));
  }
}

TEST_CASE_TEMPLATE("sums and maxima over all elements", Executor, Threads, BackwardsExecutor) {
  const Executor on;
  // 1024 blocks of 256 threads: one turn, then two.
  for (const std::int64_t n : {0, 1, 2, 255, 256, 257, 262144, 262145, 300000}) {
    double expected = 0, largest = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      expected += Index{}(i);
      largest = std::max(largest, Index{}(i));
    }
    CHECK(sum(on, n, Index{}) == expected);
    CHECK(reduce<Largest>(on, n, Index{}) == largest);
  }
}

TEST_CASE_TEMPLATE("sums of rows, of any number of entries", Executor, Threads, BackwardsExecutor) {
  const Executor on;
  constexpr std::int64_t kRows = 300;
  for (const int entries : {1, 2, 9, 81, 128, 129, 256, 257, 576}) {
    std::vector<double> sums(kRows * entries, -1);
    sum_rows(on, kRows, Products{entries, sums.data()});
    std::int64_t wrong = 0;
    for (std::int64_t row = 0; row < kRows; ++row) {
      for (int e = 0; e < entries; ++e) {
        wrong += sums[row * entries + e] != static_cast<double>((row + 1) * (row * (row + 1) / 2) * (e + 1));
      }
    }
    CHECK(wrong == 0);
  }
}
