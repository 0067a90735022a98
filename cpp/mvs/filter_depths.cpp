// SPDX-License-Identifier: Apache-2.0
// The consistency filter over threads.
#include "mvs/filter_depths.h"

#include "core/parallel.h"
#include "mvs/consistency.hd.h"

namespace fastcv::mvs {

void filter_depths(View<const float, 2> depth, const Neighbors& neighbors, const Consistency& rule, View<float, 2> out,
                   int num_threads) {
  constexpr std::int64_t kGrain = 1 << 14;
  const generic::FilterOne one{depth, neighbors, rule, out.data};
  parallel_for(depth.size(), kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

}  // namespace fastcv::mvs
