// SPDX-License-Identifier: Apache-2.0
// Cost volumes of feature maps: every reference pixel at every depth against what the sources show there.
#pragma once

#include "mvs/feature_sweep.h"

namespace fastcv::mvs {

// out: (planes, height, width, groups); num_seen: (planes, height, width), how many sources see the point.
void feature_volume(const FeatureSweep& sweep, View<float, 4> out, View<std::uint8_t, 3> num_seen, int num_threads);

// features: (channels, height, width); out: (height + 1, width + 1, packed channels), see PackedFeatures.
void pack_features(View<const float, 3> features, const ChannelLayout& layout, View<float, 3> out, int num_threads);

}  // namespace fastcv::mvs
