// SPDX-License-Identifier: Apache-2.0
// Gradients of a volume of features by features and depths, over one strip of a row; once per instruction set.
#include "core/interrupt.h"
#include "mvs/feature_strip.h"
#include "mvs/tile.h"
// The declarations come after what they mention.
#include "mvs/feature_volume_vjp.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

using fastcv::mvs::FeatureReduce;
using fastcv::mvs::FeatureSweep;
using fastcv::mvs::kChannelSlice;
using fastcv::mvs::kMaxFeatureSources;
using fastcv::mvs::kPollInterval;
using fastcv::mvs::kStrip;
using fastcv::mvs::Tile;

constexpr int kVectors = kChannelSlice / kLanes;

// The volume's gradient along a strip, for some channels. Holds a copy, for vectors that run past a pixel's groups.
class UpstreamRow {
 public:
  UpstreamRow(const FeatureSweep& s, std::int64_t channel, std::int64_t num_channels, float* scratch)
      : groups_(s.channels.groups), values_(scratch) {
    while (s.channels.packed_group_size >> (shift_ + 1)) ++shift_;
    first_ = channel >> shift_;
    stride_ = ((channel + num_channels - 1) >> shift_) - first_ + 1;
    for (std::int64_t i = 0; i < kStrip * stride_ + kLanes; ++i) values_[i] = 0;
  }
  void read(const float* from, std::int64_t count) {
    const std::int64_t n = first_ + stride_ < groups_ ? stride_ : groups_ - first_;  // the others are padding
    for (std::int64_t p = 0; p < count; ++p) {
      for (std::int64_t i = 0; i < n; ++i) values_[p * stride_ + i] = from[p * groups_ + first_ + i];
    }
  }
  Floats at(std::int64_t p, std::int64_t channel) const {
    const std::int64_t first = channel >> shift_;
    const Ints group = ((lane_indices() + std::int32_t(channel)) >> shift_) - std::int32_t(first);
    return __builtin_shuffle(load<Floats>(values_ + p * stride_ + first - first_), group);
  }

 private:
  const std::int64_t groups_;
  float* const values_;
  std::int64_t first_, stride_;
  int shift_ = 0;
};

FASTCV_HD void add_to(float* to, Floats value) { store(to, load<Floats>(to) + value); }

// Spreads the gradient of a sample over the four pixels it came from.
FASTCV_HD void scatter(const Taps& taps, float* above, std::int64_t row, int v, Floats slope) {
  float* to = above + v * kLanes;
  add_to(to, slope * taps.weights[0]);
  add_to(to + kChannelSlice, slope * taps.weights[1]);
  add_to(to + row, slope * taps.weights[2]);
  add_to(to + row + kChannelSlice, slope * taps.weights[3]);
}

template <FeatureReduce Reduce>
void pixel_vjp(const FeatureSweep& s, const StripPositions& positions, std::int64_t p, const float* reference,
               std::int64_t channel, const UpstreamRow& row, float* const* grad_sources, float* grad_reference) {
  Floats r[kVectors], samples[kMaxFeatureSources][kVectors];
  Evidence<Reduce, Floats> evidence[kVectors];
  FASTCV_UNROLL
  for (int v = 0; v < kVectors; ++v) r[v] = load<Floats>(reference + channel + v * kLanes);
  for (int k = 0; k < s.num_sources; ++k) {
    const Taps taps = positions.taps(s, k, p);
    if (taps.above == nullptr) continue;
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      samples[k][v] = taps.sample(channel + v * kLanes);
      evidence[v].add(r[v], samples[k][v]);
    }
  }
  const EvidenceScale scale = positions.scale(p);
  Floats upstream[kVectors];
  FASTCV_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    upstream[v] = row.at(p, channel + v * kLanes) * scale.scale;
    add_to(grad_reference + v * kLanes, evidence[v].reference_slope(upstream[v], scale.inverse_views));
  }
  for (int k = 0; k < s.num_sources; ++k) {
    const Taps taps = positions.taps(s, k, p);
    if (taps.above == nullptr) continue;
    float* above = grad_sources[k] + std::int64_t(positions.index(k, p)) * kChannelSlice;
    const std::int64_t stride = (s.sources[k].features.width + std::int64_t(1)) * kChannelSlice;
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const Floats slope = evidence[v].sample_slope(upstream[v], r[v], samples[k][v], scale.inverse_views);
      scatter(taps, above, stride, v, slope);
    }
  }
}

// Of one pixel, summed over slices of channels: what the lanes of a slice contribute to the gradient of its depth.
template <FeatureReduce Reduce>
void pixel_depth_vjp(const FeatureSweep& s, const StripPositions& positions, std::int64_t p, const float* reference,
                     const UpstreamRow& row, float* to) {
  const EvidenceScale scale = positions.scale(p);
  Floats total[kVectors] = {};
  for (std::int64_t channel = 0; channel < s.channels.packed; channel += kChannelSlice) {
    FASTCV_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t c = channel + v * kLanes;
      const Floats r = load<Floats>(reference + c), upstream = row.at(p, c) * scale.scale;
      Evidence<Reduce, Floats> evidence;
      Floats samples[kMaxFeatureSources];
      for (int k = 0; k < s.num_sources; ++k) {
        const Taps taps = positions.taps(s, k, p);
        if (taps.above == nullptr) continue;
        samples[k] = taps.sample(c);
        evidence.add(r, samples[k]);
      }
      for (int k = 0; k < s.num_sources; ++k) {
        const Taps taps = positions.taps(s, k, p);
        if (taps.above == nullptr) continue;
        const Floats slope = evidence.sample_slope(upstream, r, samples[k], scale.inverse_views);
        total[v] += slope * positions.slopes(s, k, p, taps).sample(c);
      }
    }
  }
  FASTCV_UNROLL
  for (int v = 0; v < kVectors; ++v) store(to + v * kLanes, total[v]);
}

const float* strip_reference(const FeatureSweep& s, const Tile& tile) {
  return s.reference.data + (tile.y * (s.reference.width + std::int64_t(1)) + tile.x) * s.channels.packed;
}

}  // namespace

void feature_volume_vjp(const FeatureSweep& s, const Tile& tile, std::int64_t channel, View<const float, 4> grad,
                        float* const* grad_sources, float* grad_strip, float* scratch) {
  StripPositions positions;
  UpstreamRow row(s, channel, kChannelSlice, scratch);
  const float* reference = strip_reference(s, tile);
  const auto run =
      s.reduce == FeatureReduce::variance ? pixel_vjp<FeatureReduce::variance> : pixel_vjp<FeatureReduce::correlation>;
  for (std::int64_t d = 0; d < s.num_planes; ++d) {
    if (d % kPollInterval == 0) poll_interrupt();
    positions.find(s, tile, d);
    row.read(&grad(d, tile.y, tile.x, 0), tile.width);
    for (std::int64_t p = 0; p < tile.width; ++p) {
      run(s, positions, p, reference + p * s.channels.packed, channel, row, grad_sources,
          grad_strip + p * kChannelSlice);
    }
  }
}

void feature_volume_depth_vjp(const FeatureSweep& s, const Tile& tile, View<const float, 4> grad,
                              View<float, 3> grad_depths, float* scratch) {
  StripPositions positions;
  UpstreamRow row(s, 0, s.channels.packed, scratch);
  const float* reference = strip_reference(s, tile);
  const auto run = s.reduce == FeatureReduce::variance ? pixel_depth_vjp<FeatureReduce::variance>
                                                       : pixel_depth_vjp<FeatureReduce::correlation>;
  float sums[kStrip * kChannelSlice + 2 * kLanes] = {};
  for (std::int64_t d = 0; d < s.num_planes; ++d) {
    if (d % kPollInterval == 0) poll_interrupt();
    positions.find(s, tile, d);
    positions.find_slopes(s, tile, d);
    row.read(&grad(d, tile.y, tile.x, 0), tile.width);
    for (std::int64_t p = 0; p < tile.width; ++p) {
      run(s, positions, p, reference + p * s.channels.packed, row, sums + p * kChannelSlice);
    }
    sum_groups({1, kChannelSlice, kChannelSlice, kChannelSlice}, tile.width, sums);
    for (std::int64_t p = 0; p < tile.width; ++p) grad_depths(d, tile.y, tile.x + p) = sums[p];
  }
}

}  // namespace fastcv::FASTCV_ISA::mvs
