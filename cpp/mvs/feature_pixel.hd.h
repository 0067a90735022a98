// SPDX-License-Identifier: Apache-2.0
// Volumes of features and their gradients, value by value: what a GPU runs, and what the strips are tested against.
#pragma once

#include "mvs/feature_warp.hd.h"

namespace fastcv::FASTCV_ISA {

// A pixel of the reference on a plane, and the features that sources show there.
struct FeaturePoint {
  const mvs::FeatureSweep& s;
  std::int64_t y, x;
  float depth;

  FASTCV_HD FeaturePoint(const mvs::FeatureSweep& sweep, std::int64_t plane, std::int64_t pixel)
      : s(sweep),
        y(pixel / sweep.reference.width),
        x(pixel % sweep.reference.width),
        depth(sweep.depths[plane * sweep.plane_stride + pixel * sweep.pixel_stride]) {}

  FASTCV_HD FeaturePosition<float> position(int k) const {
    return feature_position(s.sources[k], project(s.sources[k], float(x), float(y), depth), depth);
  }
  FASTCV_HD void slopes(int k, float* weights) const {
    weight_slopes(s.sources[k], project(s.sources[k], float(x), float(y), depth), depth, weights);
  }
  FASTCV_HD float reference(std::int64_t channel) const {
    return s.reference.data[(y * (s.reference.width + 1) + x) * s.channels.packed + channel];
  }
  FASTCV_HD float sample(int k, std::int32_t index, const float* weights, std::int64_t channel) const {
    const std::int64_t right = s.channels.packed, below = (s.sources[k].features.width + 1) * right;
    const float* at = s.sources[k].features.data + index * right + channel;
    return bilinear(at[0], at[right], at[below], at[below + right], weights);
  }
  FASTCV_HD std::int32_t num_seen() const {
    std::int32_t seen = 0;
    for (int k = 0; k < s.num_sources; ++k) seen += position(k).index >= 0;
    return seen;
  }
  template <mvs::FeatureReduce Reduce>
  FASTCV_HD Evidence<Reduce, float> evidence(std::int64_t channel) const {
    Evidence<Reduce, float> result;
    for (int k = 0; k < s.num_sources; ++k) {
      const FeaturePosition<float> p = position(k);
      if (p.index >= 0) result.add(reference(channel), sample(k, p.index, p.weights, channel));
    }
    return result;
  }
};

// term(0) + ... + term(size - 1), neighbours first: the order of sum_groups. size is a power of two.
template <class Term>
FASTCV_HD float sum_tree(std::int64_t size, const Term& term) {
  float partial[32], value = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    value = term(i);
    int level = 0;
    for (std::int64_t bits = i; bits & 1; bits >>= 1) value = partial[level++] + value;
    partial[level] = value;
  }
  return value;
}

// One value of the volume: of element i of (planes, height, width, groups).
template <mvs::FeatureReduce Reduce>
struct FeatureVolumeOne {
  mvs::FeatureSweep s;
  View<float, 4> out;
  View<std::uint8_t, 3> num_seen;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t group = i % out.shape[3], voxel = i / out.shape[3], pixels = out.shape[1] * out.shape[2];
    const FeaturePoint point(s, voxel / pixels, voxel % pixels);
    const std::int32_t seen = point.num_seen();
    const EvidenceScale scale = evidence_scale(s, seen);
    const std::int64_t size = s.channels.packed_group_size;
    out.data[i] = sum_tree(size, [&](std::int64_t member) {
      const std::int64_t channel = group * size + member;
      const auto evidence = point.evidence<Reduce>(channel);
      return evidence.value(point.reference(channel), scale.inverse_views, scale.scale);
    });
    if (group == 0) num_seen.data[voxel] = static_cast<std::uint8_t>(seen);
  }
};

// The gradient of one channel of a pixel of the reference, element i of (channels, height, width), and what its planes
// add to the sources' gradients: add(k, offset, value), with the offset of a value of the packed source.
template <mvs::FeatureReduce Reduce, class Add>
struct FeatureVolumeVjpOne {
  mvs::FeatureSweep s;
  View<const float, 4> grad;
  View<float, 3> grad_reference;
  Add add;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t pixels = grad.shape[1] * grad.shape[2], pixel = i % pixels, caller_channel = i / pixels;
    const std::int64_t group = caller_channel / s.channels.group_size;
    const std::int64_t channel = group * s.channels.packed_group_size + caller_channel % s.channels.group_size;
    float sum = 0;
    for (std::int64_t d = 0; d < s.num_planes; ++d) {
      const FeaturePoint point(s, d, pixel);
      const EvidenceScale scale = evidence_scale(s, point.num_seen());
      const auto evidence = point.evidence<Reduce>(channel);
      const float upstream = grad.data[(d * pixels + pixel) * grad.shape[3] + group] * scale.scale;
      sum += evidence.reference_slope(upstream, scale.inverse_views);
      scatter(point, evidence, upstream, scale.inverse_views, channel);
    }
    grad_reference.data[i] = sum;
  }

 private:
  FASTCV_HD void scatter(const FeaturePoint& point, const Evidence<Reduce, float>& evidence, float upstream,
                         float inverse_views, std::int64_t channel) const {
    for (int k = 0; k < s.num_sources; ++k) {
      const FeaturePosition<float> p = point.position(k);
      if (p.index < 0) continue;
      const float sample = point.sample(k, p.index, p.weights, channel);
      const float slope = evidence.sample_slope(upstream, point.reference(channel), sample, inverse_views);
      const std::int64_t right = s.channels.packed, below = (s.sources[k].features.width + 1) * right;
      const std::int64_t at = p.index * right + channel, taps[4] = {at, at + right, at + below, at + below + right};
      for (int tap = 0; tap < 4; ++tap) add(k, taps[tap], slope * p.weights[tap]);
    }
  }
};

// The gradient of the depth of one pixel on one plane, element i of (planes, height, width).
template <mvs::FeatureReduce Reduce>
struct FeatureVolumeDepthVjpOne {
  mvs::FeatureSweep s;
  View<const float, 4> grad;
  View<float, 3> grad_depths;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t pixels = grad.shape[1] * grad.shape[2];
    const FeaturePoint point(s, i / pixels, i % pixels);
    const EvidenceScale scale = evidence_scale(s, point.num_seen());
    grad_depths.data[i] = sum_tree(mvs::kChannelSlice, [&](std::int64_t lane) {
      float sum = 0;
      for (std::int64_t c = lane; c < s.channels.packed; c += mvs::kChannelSlice) {
        const std::int64_t group = c / s.channels.packed_group_size;
        if (group >= s.channels.groups) break;  // padding
        add_channel(point, c, grad.data[i * grad.shape[3] + group] * scale.scale, scale.inverse_views, sum);
      }
      return sum;
    });
  }

 private:
  FASTCV_HD void add_channel(const FeaturePoint& point, std::int64_t channel, float upstream, float inverse_views,
                             float& sum) const {
    const auto evidence = point.evidence<Reduce>(channel);
    for (int k = 0; k < s.num_sources; ++k) {
      const FeaturePosition<float> p = point.position(k);
      if (p.index < 0) continue;
      const float sample = point.sample(k, p.index, p.weights, channel);
      const float slope = evidence.sample_slope(upstream, point.reference(channel), sample, inverse_views);
      float weights[4];
      point.slopes(k, weights);
      sum += slope * point.sample(k, p.index, weights, channel);
    }
  }
};

// One value of a packed view: of element i of (height + 1, width + 1, packed channels), from (channels, height, width).
struct PackFeaturesOne {
  View<const float, 3> features;
  mvs::ChannelLayout layout;
  float* out;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t packed = i % layout.packed, pixel = i / layout.packed, width = features.shape[2];
    const std::int64_t x = pixel % (width + 1), y = pixel / (width + 1);
    const std::int64_t channel = mvs::caller_channel(layout, packed);
    out[i] = channel >= 0 && x < width && y < features.shape[1] ? features(channel, y, x) : 0.0F;
  }
};

}  // namespace fastcv::FASTCV_ISA
