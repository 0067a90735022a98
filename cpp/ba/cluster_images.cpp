// SPDX-License-Identifier: Apache-2.0
#include "ba/cluster_images.h"

#include <algorithm>

#include "core/interrupt.h"

namespace fastcv::ba {

std::vector<std::int32_t> cluster_images(const Equations& e, const std::vector<bool>& wanted, int size) {
  std::vector<std::int32_t> cluster_of(e.num_images, -1), candidates;
  std::vector<std::int64_t> common(e.num_images, 0);  // observations of the points of the cluster at work
  const auto is_left = [&](std::int32_t image) { return wanted[image] && cluster_of[image] < 0; };
  const auto count_common = [&](std::int32_t image) {
    for (std::int64_t i = e.image_begin[image]; i < e.image_begin[image + 1]; ++i) {
      const std::int64_t p = e.image_points[i];
      for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
        const std::int32_t other = e.images[k];
        if (is_left(other) && common[other]++ == 0) candidates.push_back(other);
      }
    }
  };
  std::int32_t cluster = -1;
  for (std::int32_t seed = 0; seed < e.num_images; ++seed) {
    if (!is_left(seed)) continue;
    cluster_of[seed] = ++cluster;
    candidates.clear();
    count_common(seed);
    for (int count = 1; count < size && !candidates.empty(); ++count) {
      poll_interrupt();
      const auto next = std::max_element(candidates.begin(), candidates.end(), [&](std::int32_t a, std::int32_t b) {
        return common[a] != common[b] ? common[a] < common[b] : a > b;
      });
      const std::int32_t image = *next;
      candidates.erase(next);
      cluster_of[image] = cluster;
      count_common(image);
    }
    for (const std::int32_t image : candidates) common[image] = 0;
  }
  return cluster_of;
}

}  // namespace fastcv::ba
