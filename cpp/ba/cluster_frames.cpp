// SPDX-License-Identifier: Apache-2.0
#include "ba/cluster_frames.h"

#include <algorithm>

#include "core/interrupt.h"

namespace fastcv::ba {

std::vector<std::int32_t> cluster_frames(const Equations& e, const Unknowns& unknowns, const std::vector<bool>& wanted,
                                         int size) {
  const auto num_frames = static_cast<std::int32_t>(wanted.size());
  std::vector<std::int32_t> cluster_of(num_frames, -1), candidates;
  std::vector<std::vector<std::int64_t>> images(num_frames);
  for (std::int64_t i = 0; i < e.num_images; ++i) images[unknowns.frame(i)].push_back(i);
  std::vector<std::int64_t> common(num_frames, 0);  // observations of the points of the cluster at work
  const auto is_left = [&](std::int64_t frame) { return wanted[frame] && cluster_of[frame] < 0; };
  const auto count_common = [&](std::int32_t frame) {
    for (const std::int64_t image : images[frame]) {
      for (std::int64_t i = e.image_begin[image]; i < e.image_begin[image + 1]; ++i) {
        const std::int64_t p = e.image_points[i];
        for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
          const std::int64_t other = unknowns.frame(e.images[k]);
          if (is_left(other) && common[other]++ == 0) candidates.push_back(static_cast<std::int32_t>(other));
        }
      }
    }
  };
  std::int32_t cluster = -1;
  for (std::int32_t seed = 0; seed < num_frames; ++seed) {
    if (!is_left(seed)) continue;
    cluster_of[seed] = ++cluster;
    candidates.clear();
    count_common(seed);
    for (int count = 1; count < size && !candidates.empty(); ++count) {
      poll_interrupt();
      const auto next = std::max_element(candidates.begin(), candidates.end(), [&](std::int32_t a, std::int32_t b) {
        return common[a] != common[b] ? common[a] < common[b] : a > b;
      });
      const std::int32_t frame = *next;
      candidates.erase(next);
      cluster_of[frame] = cluster;
      count_common(frame);
    }
    for (const std::int32_t frame : candidates) common[frame] = 0;
  }
  return cluster_of;
}

}  // namespace fastcv::ba
