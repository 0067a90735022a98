// SPDX-License-Identifier: Apache-2.0
// Strips against the value-by-value form that GPUs run: volumes, and gradients by every input.
#include "mvs/feature_volume.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "mvs/feature_pixel.hd.h"
#include "mvs/feature_volume_vjp.h"

using namespace fastcv;
using namespace fastcv::mvs;

namespace {

constexpr std::int64_t kPlanes = 7, kHeight = 9, kWidth = 45, kSources = 3;

std::vector<float> random_values(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = float(random() % 2001) / 1000.0F - 1.0F;
  return values;
}

// A reference and sources of other sizes, a shift of some pixels apart; depths of every pixel, some of them 0.
struct Scene {
  std::int64_t channels;
  std::vector<float> packed[kSources + 1];
  std::vector<float> depths;
  FeatureSweep sweep{};

  Scene(FeatureReduce reduce, std::int32_t num_channels, std::int32_t groups) : channels(num_channels) {
    sweep.reduce = reduce;
    sweep.channels = channel_layout(num_channels, groups);
    sweep.num_sources = kSources;
    for (std::int32_t k = 0; k <= kSources; ++k) {
      const std::int32_t height = kHeight + k, width = kWidth - 2 * k;
      const auto features = random_values(channels * height * width, k);
      packed[k].resize((height + 1) * (width + 1) * sweep.channels.packed);
      const View<float, 3> out{packed[k].data(), {height + 1, width + 1, sweep.channels.packed}};
      pack_features({features.data(), {channels, height, width}}, sweep.channels, out, 1);
      const generic::PackFeaturesOne one{{features.data(), {channels, height, width}}, sweep.channels, nullptr};
      check_packed(one, packed[k]);
      const PackedFeatures view{packed[k].data(), height, width};
      if (k == 0) {
        sweep.reference = view;
      } else {
        const float turn = 0.01F * float(k), shift = 3.0F * float(k - 2);
        sweep.sources[k - 1] = {view, {1, turn, 0, -turn, 1, 0, 0, 1e-4F, 1}, {shift, 1.0F, 0.01F}};
      }
    }
    depths = random_values(kPlanes * kHeight * kWidth, 9);
    for (float& depth : depths) depth = depth > 0.9F ? 0 : 2 + depth;
    sweep.depths = depths.data();
    sweep.num_planes = kPlanes;
    sweep.plane_stride = kHeight * kWidth;
    sweep.pixel_stride = 1;
  }

  static void check_packed(generic::PackFeaturesOne one, const std::vector<float>& expected) {
    std::vector<float> values(expected.size());
    one.out = values.data();
    for (std::size_t i = 0; i < values.size(); ++i) one(static_cast<std::int64_t>(i));
    CHECK(values == expected);
  }
};

struct Add {
  std::vector<double>* sums;
  void operator()(int k, std::int64_t offset, float value) const { sums[k][offset] += value; }
};

template <FeatureReduce Reduce>
void compare(std::int32_t channels, std::int32_t groups) {
  CAPTURE(channels);
  CAPTURE(groups);
  const Scene scene(Reduce, channels, groups);
  const FeatureSweep& s = scene.sweep;
  const std::int64_t voxels = kPlanes * kHeight * kWidth;
  std::vector<float> values(voxels * groups), one_by_one(voxels * groups);
  std::vector<std::uint8_t> seen(voxels), seen_one_by_one(voxels);
  const std::int64_t shape[3] = {kPlanes, kHeight, kWidth};
  feature_volume(s, {values.data(), {shape[0], shape[1], shape[2], groups}},
                 {seen.data(), {shape[0], shape[1], shape[2]}}, 2);
  const generic::FeatureVolumeOne<Reduce> volume_one{s,
                                                     {one_by_one.data(), {shape[0], shape[1], shape[2], groups}},
                                                     {seen_one_by_one.data(), {shape[0], shape[1], shape[2]}}};
  for (std::int64_t i = 0; i < voxels * groups; ++i) volume_one(i);
  CHECK(seen == seen_one_by_one);
  CHECK(values == one_by_one);

  const auto upstream = random_values(voxels * groups, 10);
  const View<const float, 4> grad{upstream.data(), {shape[0], shape[1], shape[2], groups}};
  std::vector<float> depth_grad(voxels), depth_one_by_one(voxels);
  feature_volume_depth_vjp(s, grad, {depth_grad.data(), {shape[0], shape[1], shape[2]}}, 2);
  const generic::FeatureVolumeDepthVjpOne<Reduce> depth_one{
      s, grad, {depth_one_by_one.data(), {shape[0], shape[1], shape[2]}}};
  for (std::int64_t i = 0; i < voxels; ++i) depth_one(i);
  CHECK(depth_grad == depth_one_by_one);

  std::vector<float> reference(channels * kHeight * kWidth), reference_one_by_one(reference.size());
  std::vector<float> sources[kSources];
  std::vector<double> sums[kSources];
  View<float, 3> views[kSources];
  for (int k = 0; k < kSources; ++k) {
    const PackedFeatures& f = s.sources[k].features;
    sources[k].resize(channels * f.height * f.width);
    sums[k].resize(scene.packed[k + 1].size());
    views[k] = {sources[k].data(), {channels, f.height, f.width}};
  }
  feature_volume_vjp(s, grad, {reference.data(), {channels, kHeight, kWidth}}, views, 2);
  const generic::FeatureVolumeVjpOne<Reduce, Add> vjp_one{
      s, grad, {reference_one_by_one.data(), {channels, kHeight, kWidth}}, {sums}};
  for (std::size_t i = 0; i < reference.size(); ++i) vjp_one(static_cast<std::int64_t>(i));
  CHECK(reference == reference_one_by_one);
  for (int k = 0; k < kSources; ++k) {
    double worst = 0;
    for (std::int64_t packed = 0; packed < s.channels.packed; ++packed) {
      const std::int64_t c = caller_channel(s.channels, packed);
      for (std::int64_t y = 0; c >= 0 && y < views[k].shape[1]; ++y) {
        for (std::int64_t x = 0; x < views[k].shape[2]; ++x) {
          const double sum = sums[k][(y * (views[k].shape[2] + 1) + x) * s.channels.packed + packed];
          worst = std::max(worst, std::abs(views[k](c, y, x) - sum));
        }
      }
    }
    CHECK(worst < 1e-5);  // some tens of terms below 1, in single against double precision
  }
}

}  // namespace

TEST_CASE("strips of feature volumes equal the value-by-value form") {
  for (const auto& [channels, groups] :
       {std::pair{32, 32}, {32, 1}, {32, 8}, {1, 1}, {6, 2}, {24, 8}, {48, 3}, {70, 5}}) {
    compare<FeatureReduce::variance>(channels, groups);
    compare<FeatureReduce::correlation>(channels, groups);
  }
}
