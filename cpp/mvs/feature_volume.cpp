// SPDX-License-Identifier: Apache-2.0
// Splits the reference into strips, hands them to threads and calls the leaf for this processor.
#include "mvs/feature_volume.h"

#include <algorithm>

#include "mvs/for_each_strip.h"

#define FASTCV_LEAF "mvs/feature_volume.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

void feature_volume_strip(const FeatureSweep& sweep, const Tile& tile, View<float, 4> out,
                          View<std::uint8_t, 3> num_seen, float* values) {
  FASTCV_DISPATCH(mvs::feature_volume(sweep, tile, out, num_seen, values));
}

}  // namespace

void feature_volume(const FeatureSweep& sweep, View<float, 4> out, View<std::uint8_t, 3> num_seen, int num_threads) {
  for_each_strip(sweep, num_threads,
                 [&](const Tile& tile, float* values) { feature_volume_strip(sweep, tile, out, num_seen, values); });
}

void pack_features(View<const float, 3> features, const ChannelLayout& layout, View<float, 3> out, int num_threads) {
  constexpr std::int64_t kBlock = 32;
  const std::int64_t channels = features.shape[0], height = features.shape[1], width = features.shape[2];
  parallel_for(height + 1, 4, num_threads, [&](std::int64_t begin, std::int64_t end) {
    std::fill(out.data + begin * (width + 1) * layout.packed, out.data + end * (width + 1) * layout.packed, 0.0F);
    for (std::int64_t y = begin; y < std::min(end, height); ++y) {
      for (std::int64_t x0 = 0; x0 < width; x0 += kBlock) {
        for (std::int64_t c = 0; c < channels; ++c) {
          float* to = &out(y, 0, c / layout.group_size * layout.packed_group_size + c % layout.group_size);
          const float* from = &features(c, y, 0);
          for (std::int64_t x = x0; x < std::min(width, x0 + kBlock); ++x) to[x * layout.packed] = from[x];
        }
      }
    }
  });
}

}  // namespace fastcv::mvs
