// SPDX-License-Identifier: Apache-2.0
// The sweep of single pixels, which GPUs run, has the bits of the tiled sweep: every cost, mask, weight and surface.
#include "mvs/sweep_pixel.hd.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include "mvs/pack_image.h"

namespace fastcv {
namespace {

constexpr int kHeight = 23, kWidth = 37, kChannels = 3, kSources = 3;

using Words = std::vector<std::int32_t>;

// Noise with holes, packed as grey or colour.
Words noise(int channels, bool masked, std::mt19937& random) {
  std::vector<std::uint8_t> image(kHeight * kWidth * kChannels), mask(kHeight * kWidth);
  for (auto& value : image) value = static_cast<std::uint8_t>(random());
  for (auto& value : mask) value = random() % 50 != 0;
  const int words_per_pixel = channels == 3 ? 2 : 1;
  Words words(words_per_pixel * (kHeight + 1) * (kWidth + 1));
  mvs::pack_image<std::uint8_t>({image.data(), {kHeight, kWidth, kChannels}}, masked ? mask.data() : nullptr,
                                {words.data(), {kHeight + 1, kWidth + 1, words_per_pixel}}, 1);
  return words;
}

struct Scene {
  std::vector<Words> images;
  std::vector<float> planes, bounds;
  mvs::Sweep sweep{};

  Scene(mvs::MatchCost cost, int channels, int window, int num_best, bool masked, bool bounded) {
    std::mt19937 random(7);
    for (int i = 0; i <= kSources; ++i) images.push_back(noise(channels, masked, random));
    const auto packed = [&](int i) {
      return mvs::PackedImage{images[i].data(), kHeight, kWidth, masked, channels == 3 ? 2 : 1};
    };
    sweep = {cost, channels, window, num_best, 300, masked, kSources, packed(0), {}, {}};
    for (int k = 0; k < kSources; ++k) {
      const float turn = 0.02F * float(k);
      sweep.sources[k] = {packed(k + 1),
                          {1, -turn, 0.3F, turn, 1, 0.1F * float(k), 0, 0.0002F, 1},
                          {2.0F - 2.0F * float(k), 0.5F, 0.01F},
                          masked ? 0.5F + float(k) : 1.0F};
    }
    // Facing the reference, slanted, and one that a part of the reference does not see.
    planes = {0, 0, 0.5F, 0.01F, -0.002F, 0.6F, 0.0F, 0.1F, -1.0F};
    for (int i = 0; i < 2 * kHeight * kWidth; ++i)
      bounds.push_back(i % 101 == 0 ? NAN : 0.2F + 0.001F * float(i % 600));
    sweep.hypotheses = {planes.data(), bounded ? bounds.data() : nullptr, 3};
  }
};

template <int Channels>
void compare(const mvs::Sweep& sweep) {
  const std::int64_t size = 3 * kHeight * kWidth;
  std::vector<float> costs(size);
  std::vector<std::uint8_t> num_seen(size);
  mvs::plane_sweep(sweep, {{costs.data(), {3, kHeight, kWidth}}, {num_seen.data(), {3, kHeight, kWidth}}}, 2);
  const generic::SweepPixel<Channels> one{sweep};
  std::int64_t num_different = 0, num_costs = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    float cost;
    std::uint8_t seen;
    one(i / (kHeight * kWidth), i % kWidth, i / kWidth % kHeight, cost, &seen);
    const bool both_nan = std::isnan(cost) && std::isnan(costs[i]);
    num_different += (!both_nan && std::memcmp(&cost, &costs[i], sizeof cost) != 0) || seen != num_seen[i];
    num_costs += !std::isnan(cost);
  }
  CHECK(num_different == 0);
  CHECK(num_costs > 100);
}

}  // namespace

TEST_CASE("single pixels have the bits of tiles") {
  for (const auto cost : {mvs::MatchCost::ncc, mvs::MatchCost::sad, mvs::MatchCost::census, mvs::MatchCost::gradient}) {
    for (const int window : {3, 7}) {
      for (const int num_best : {1, 2, kSources}) {
        for (const bool masked : {false, true}) {
          for (const bool bounded : {false, true}) {
            CAPTURE(static_cast<int>(cost));
            CAPTURE(window);
            CAPTURE(num_best);
            CAPTURE(masked);
            CAPTURE(bounded);
            // A mask's holes leave few whole windows of 7 x 7 in three sources.
            compare<1>(Scene(cost, 1, masked ? 3 : window, num_best, masked, bounded).sweep);
          }
        }
      }
    }
  }
  for (const int window : {1, 3, 5}) {
    for (const int num_best : {2, kSources}) {
      for (const bool bounded : {false, true}) {
        CAPTURE(window);
        CAPTURE(num_best);
        CAPTURE(bounded);
        compare<3>(Scene(mvs::MatchCost::sad, 3, window, num_best, false, bounded).sweep);
        compare<3>(Scene(mvs::MatchCost::sad, 3, 1, num_best, true, bounded).sweep);
      }
    }
  }
}

}  // namespace fastcv
