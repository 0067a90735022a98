// SPDX-License-Identifier: Apache-2.0
// Cost volume of features over one strip of a row, compiled once per instruction set.
#include "core/interrupt.h"
#include "mvs/feature_strip.h"
#include "mvs/tile.h"
// The declarations come after what they mention.
#include "mvs/feature_volume.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

using fastcv::mvs::FeatureReduce;
using fastcv::mvs::FeatureSweep;
using fastcv::mvs::kPollInterval;
using fastcv::mvs::Tile;

// `Vectors` vectors of channels of one pixel, from `channel` on: values to `to`.
template <FeatureReduce Reduce, int Vectors>
FASTCV_HD void reduce_pixel(const FeatureSweep& s, const StripPositions& positions, std::int64_t p,
                            const float* reference, std::int64_t channel, float* to) {
  Evidence<Reduce, Floats> evidence[Vectors];
  Floats r[Vectors];
  FASTCV_UNROLL
  for (int v = 0; v < Vectors; ++v) r[v] = load<Floats>(reference + channel + v * kLanes);
  for (int k = 0; k < s.num_sources; ++k) {
    const Taps taps = positions.taps(s, k, p);
    if (taps.above == nullptr) continue;
    FASTCV_UNROLL
    for (int v = 0; v < Vectors; ++v) evidence[v].add(r[v], taps.sample(channel + v * kLanes));
  }
  const EvidenceScale scale = positions.scale(p);
  FASTCV_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    store(to + channel + v * kLanes, evidence[v].value(r[v], scale.inverse_views, scale.scale));
  }
}

template <FeatureReduce Reduce>
void reduce_strip(const FeatureSweep& s, const StripPositions& positions, const Tile& tile, float* values) {
  // As many as leave registers for the rest; a pixel of an odd number of slices has one vector over.
  constexpr int kVectors = (kLanes == 16 ? 2 : 1) * fastcv::mvs::kChannelSlice / kLanes;
  const std::int64_t channels = s.channels.packed, paired = channels / (kVectors * kLanes) * (kVectors * kLanes);
  const float* reference = s.reference.data + (tile.y * (s.reference.width + 1) + tile.x) * channels;
  const std::int64_t step = s.channels.packed_group_size == 1 ? s.channels.groups : channels;
  for (std::int64_t p = 0; p < tile.width; ++p) {
    for (std::int64_t c = 0; c < paired; c += kVectors * kLanes) {
      reduce_pixel<Reduce, kVectors>(s, positions, p, reference + p * channels, c, values + p * step);
    }
    if (paired < channels) {
      reduce_pixel<Reduce, 1>(s, positions, p, reference + p * channels, paired, values + p * step);
    }
  }
}

}  // namespace

void feature_volume(const FeatureSweep& s, const Tile& tile, View<float, 4> out, View<std::uint8_t, 3> num_seen,
                    float* values) {
  StripPositions positions;
  for (std::int64_t d = 0; d < s.num_planes; ++d) {
    if (d % kPollInterval == 0) poll_interrupt();
    positions.find(s, tile, d);
    if (s.reduce == FeatureReduce::variance) {
      reduce_strip<FeatureReduce::variance>(s, positions, tile, values);
    } else {
      reduce_strip<FeatureReduce::correlation>(s, positions, tile, values);
    }
    sum_groups(s.channels, tile.width, values);
    write_through(&out(d, tile.y, tile.x, 0), values, tile.width * s.channels.groups);
    positions.write_num_seen(tile.width, &num_seen(d, tile.y, tile.x));
  }
  end_writing_through();
}

}  // namespace fastcv::FASTCV_ISA::mvs
