// SPDX-License-Identifier: Apache-2.0
// Packs depth maps over threads, one map each.
#include "core/interrupt.h"
#include "core/parallel.h"
#include "voxels/depth_map.hd.h"

namespace fastcv::voxels {

void pack_depths(const View<const float, 2>* maps, Rows<const std::int64_t, kLayout> layout, float* depths,
                 float* ranges, int num_threads) {
  constexpr std::int64_t kTilesBetweenPolls = 1 << 16;
  const auto run = [](std::int64_t n, const auto& functor) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (i % kTilesBetweenPolls == 0) poll_interrupt();
      functor(i);
    }
  };
  parallel_for(layout.rows, 1, num_threads, [&](std::int64_t i, std::int64_t) {
    generic::pack_depth_map(maps[i], depths + layout[i][2], ranges + layout[i][3], run);
  });
}

}  // namespace fastcv::voxels
