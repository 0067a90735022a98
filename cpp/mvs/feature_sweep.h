// SPDX-License-Identifier: Apache-2.0
// What a sweep over feature maps reads: plain data, passed by value, valid in a CUDA kernel.
#pragma once

#include "core/host_device.h"
#include "core/view.h"

namespace fastcv::mvs {

constexpr int kMaxFeatureSources = 32;

// Channels of a packed pixel come in multiples of this many, so that no vector starts in one pixel and ends in another.
constexpr int kChannelSlice = 16;

// Pixels of a row that are done together.
constexpr std::int64_t kStrip = 32;
// Planes between two looks whether to stop: a look costs as much as a pixel, and so many planes of a strip some ms.
constexpr std::int64_t kPollInterval = 64;

enum class FeatureReduce { variance = 0, correlation = 1 };

// Channels-last features, (height + 1, width + 1, packed channels): the last row and column are zero, for samples that
// lie exactly on the last pixel. Each group of channels is padded with zeros to a power of two, so that a tree of sums
// of neighbours reduces it, and the pixel to a multiple of kChannelSlice.
struct PackedFeatures {
  const float* data;
  std::int32_t height, width;
};

// A source and how the reference sees it: (u, v, 1) ~ rotation (x, y, 1) + translation / depth, where (x, y) and (u, v)
// count from the centre of the first pixel. Source: Hartley & Zisserman 2004, eq. 13.2, for a plane at constant depth.
struct FeatureSource {
  PackedFeatures features;
  float rotation[9], translation[3];
};

// How the channels of a pixel lie in memory.
struct ChannelLayout {
  std::int32_t groups, group_size;  // of the caller
  std::int32_t packed_group_size;   // a power of two
  std::int32_t packed;              // channels of a packed pixel
};

inline ChannelLayout channel_layout(std::int32_t channels, std::int32_t groups) {
  std::int32_t size = 1;
  while (size * groups < channels) size *= 2;
  const std::int32_t packed = (size * groups + kChannelSlice - 1) / kChannelSlice * kChannelSlice;
  return {groups, channels / groups, size, packed};
}

// The caller's channel behind a packed one, -1 for padding.
FASTCV_HD std::int64_t caller_channel(const ChannelLayout& layout, std::int64_t packed) {
  const std::int64_t group = packed / layout.packed_group_size, member = packed % layout.packed_group_size;
  return group < layout.groups && member < layout.group_size ? group * layout.group_size + member : -1;
}

struct FeatureSweep {
  FeatureReduce reduce;
  ChannelLayout channels;
  std::int32_t num_sources;
  PackedFeatures reference;
  FeatureSource sources[kMaxFeatureSources];
  // Depth of pixel i = y * width + x on plane d: depths[d * plane_stride + i * pixel_stride]; pixel_stride is 0 or 1.
  const float* depths;
  std::int64_t num_planes, plane_stride, pixel_stride;
};

}  // namespace fastcv::mvs
