// SPDX-License-Identifier: Apache-2.0
// Random samples of correspondences. Sample i depends on the seed and i alone.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/interrupt.h"
#include "core/philox.hd.h"

namespace fastcv::geometry {

// Uniform numbers below a range; each stream is a sequence of its own. 64 bits times the range: a bias below range /
// 2⁶⁴.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  std::int64_t below(std::int64_t range) {
    if (index_ % 2 == 0) block_ = generic::philox(seed_, stream_, index_ / 2);
    const std::uint32_t* v = block_.v + 2 * (index_++ % 2);
    const std::uint64_t bits = (static_cast<std::uint64_t>(v[0]) << 32) | v[1];
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::int64_t>((static_cast<Wide>(bits) * static_cast<std::uint64_t>(range)) >> 64);
  }

 private:
  std::uint64_t seed_, stream_, index_ = 0;
  generic::Philox4 block_{};
};

// The numbers 0 to n - 1 in random order, always the same (Fisher & Yates).
inline std::vector<std::int64_t> shuffled(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  Draws draws(0, ~std::uint64_t{0});
  polled_for(n - 1, [&](std::int64_t k) {
    const std::int64_t i = n - 1 - k;
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(draws.below(i + 1))]);
  });
  return order;
}

// Uniform samples, or PROSAC's for correspondences sorted best first: the first samples come from the first few, and
// the pool grows until it holds all. Chum & Matas 2005, "Matching with PROSAC - progressive sample consensus".
class Sampler {
 public:
  Sampler(std::int64_t num_rows, int sample_size, bool sorted, std::uint64_t seed)
      : rows_(num_rows), size_(sample_size), pool_(sorted ? sample_size : num_rows), seed_(seed) {
    for (int i = 0; i < size_; ++i) {
      expected_ *= static_cast<double>(size_ - i) / static_cast<double>(rows_ - i);
    }
  }

  // Draws sample `iteration`, counted from 0 in steps of one, as distinct rows.
  void draw(std::int64_t iteration, std::int64_t* sample) {
    grow(iteration);
    Draws draws(seed_, static_cast<std::uint64_t>(iteration));
    // A PROSAC sample always holds the newest member of the pool, until the pool is everything.
    const bool with_newest = pool_ < rows_;
    const std::int64_t pool = with_newest ? pool_ - 1 : rows_;
    int count = 0;
    if (with_newest) sample[size_ - 1] = pool;
    while (count < size_ - (with_newest ? 1 : 0)) {
      const std::int64_t row = draws.below(pool);
      bool fresh = true;
      for (int i = 0; i < count; ++i) fresh &= sample[i] != row;
      if (fresh) sample[count++] = row;
    }
  }

 private:
  // Equations 3 and 4: expected_ is T_n for the present pool, of kRampSamples draws from all; grown_at_ is T'_n.
  void grow(std::int64_t iteration) {
    while (pool_ < rows_ && iteration + 1 > grown_at_) {
      const double next = expected_ * static_cast<double>(pool_ + 1) / static_cast<double>(pool_ + 1 - size_);
      grown_at_ += static_cast<std::int64_t>(std::ceil(kRampSamples * (next - expected_)));
      expected_ = next;
      ++pool_;
    }
  }

  static constexpr double kRampSamples = 1e6;  // PROSAC's T_N: after so many samples it would be uniform
  std::int64_t rows_;
  int size_;
  std::int64_t pool_;
  std::uint64_t seed_;
  double expected_ = 1.0;  // over kRampSamples
  std::int64_t grown_at_ = 1;
};

}  // namespace fastcv::geometry
