// SPDX-License-Identifier: Apache-2.0
// Strips of the reference's rows, handed to threads.
#pragma once

#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "mvs/feature_sweep.h"
#include "mvs/tile.h"

namespace fastcv::mvs {

// Floats for one row of a strip of values per channel, and for vectors that run past its end.
inline std::size_t strip_scratch(const FeatureSweep& sweep) {
  return static_cast<std::size_t>(kStrip * sweep.channels.packed + 64);
}

// run(strip, scratch) for strips that cover the reference.
template <class Run>
void for_each_strip(const FeatureSweep& sweep, int num_threads, const Run& run) {
  const std::int64_t width = sweep.reference.width, strips = (width + kStrip - 1) / kStrip;
  parallel_for(sweep.reference.height * strips, 1, num_threads, [&](std::int64_t i, std::int64_t) {
    const std::int64_t x = i % strips * kStrip;
    std::vector<float> scratch(strip_scratch(sweep));
    run(Tile{x, i / strips, std::min(kStrip, width - x), 1}, scratch.data());
  });
}

}  // namespace fastcv::mvs
