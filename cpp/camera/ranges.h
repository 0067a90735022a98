// SPDX-License-Identifier: Apache-2.0
// How the camera ops split their elements over threads, and how sums over elements stay the same for every split.
#pragma once

#include <vector>

#include "camera/require.h"
#include "core/parallel.h"
#include "core/view.h"

namespace fastcv::camera {

inline constexpr std::int64_t kGrain = 1 << 15;  // elements, 0.1 to 1 ms

// Calls body(begin, end, range_sums) on ranges and writes the ordered sum over the ranges.
template <class Body>
void parallel_sums(std::int64_t n, int num_threads, View<double, 1> sums, Body&& body) {
  constexpr std::int64_t kMaxSums = 16;
  const std::int64_t num_ranges = (n + kGrain - 1) / kGrain;
  std::vector<double> range_sums(static_cast<std::size_t>(num_ranges * kMaxSums));
  parallel_for(n, kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    body(begin, end, range_sums.data() + begin / kGrain * kMaxSums);
  });
  for (std::int64_t k = 0; k < sums.shape[0]; ++k) {
    sums(k) = 0;
    for (std::int64_t range = 0; range < num_ranges; ++range) sums(k) += range_sums[range * kMaxSums + k];
  }
}

}  // namespace fastcv::camera
