// SPDX-License-Identifier: Apache-2.0
// The refinement of single pixels, which GPUs run, has the bits of the one in lanes.
#include "mvs/refine_pixel.hd.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include "mvs/pack_image.h"

namespace fastcv {
namespace {

constexpr int kHeight = 19, kWidth = 43, kSources = 3;

struct Scene {
  std::vector<std::vector<std::int32_t>> images;
  std::vector<float> source_depth;
  mvs::Refinement refinement{};

  Scene(int window, bool masked, bool geometric) {
    std::mt19937 random(5);
    for (int i = 0; i <= kSources; ++i) {
      std::vector<std::uint8_t> image(kHeight * kWidth), mask(kHeight * kWidth);
      for (auto& value : image) value = static_cast<std::uint8_t>(random());
      for (auto& value : mask) value = random() % 60 != 0;
      auto& words = images.emplace_back((kHeight + 1) * (kWidth + 1));
      mvs::pack_image<std::uint8_t>({image.data(), {kHeight, kWidth, 1}}, masked ? mask.data() : nullptr,
                                    {words.data(), {kHeight + 1, kWidth + 1, 1}}, 1);
    }
    for (int i = 0; i < kHeight * kWidth; ++i) {
      source_depth.push_back(i % 17 == 0 ? NAN : i % 13 == 0 ? 0.0F : 1.5F + 0.001F * float(i));
    }
    const auto packed = [&](int i) { return mvs::PackedImage{images[i].data(), kHeight, kWidth, masked}; };
    mvs::Sweep& sweep = refinement.sweep;
    sweep = {mvs::MatchCost::ncc, 1, window, 2, 0, masked, kSources, packed(0), {}, {}};
    for (int k = 0; k < kSources; ++k) {
      const float turn = 0.02F * float(k);
      sweep.sources[k] = {packed(k + 1),
                          {1, -turn, 0.3F, turn, 1, 0.1F * float(k), 0, 0.0002F, 1},
                          {2.0F - 2.0F * float(k), 0.5F, 0.01F},
                          masked ? 0.5F + float(k) : 1.0F};
      if (geometric) {
        refinement.source_depths[k] = {source_depth.data(),
                                       {1, turn, -0.3F, -turn, 1, -0.1F * float(k), 0, -0.0002F, 1, -2.0F, -0.5F, 0}};
      }
    }
    refinement.nearest = 1.0F, refinement.farthest = 0.1F, refinement.step = 0.05F;
    refinement.fx = 30, refinement.skew = 0.5F, refinement.cx = 20, refinement.fy = 32, refinement.cy = 9;
    refinement.geometric_weight = 0.2F, refinement.seed = 11;
    set_weights(refinement);
  }
};

struct Map {
  std::vector<float> depth, normals, confidence, cost, planes;

  Map() : confidence(kHeight * kWidth), cost(confidence), planes(3 * kHeight * kWidth) {
    for (int i = 0; i < kHeight * kWidth; ++i) {
      depth.push_back(i % 19 == 0 ? NAN : i % 11 == 0 ? 0.0F : 1.2F + 0.005F * float(i % 500));
      for (const float value : {0.1F * float(i % 5), 0.05F * float(i % 7), i % 23 == 0 ? 1.0F : -1.0F}) {
        normals.push_back(value);
      }
    }
  }
  mvs::RefinedMap view() {
    return {{depth.data(), {kHeight, kWidth}},
            {normals.data(), {kHeight, kWidth, 3}},
            {confidence.data(), {kHeight, kWidth}},
            {cost.data(), {kHeight, kWidth}},
            {planes.data(), {3, kHeight, kWidth}}};
  }
};

void refine_pixels(const mvs::Refinement& refinement, const mvs::RefinedMap& map, int num_iterations) {
  const auto each = [](auto run) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) run(x, y);
    }
  };
  each([&](int x, int y) { generic::start_pixels<float>(refinement, map, x, y, 1); });
  for (int step = 0; step < 2 * num_iterations; ++step) {
    each([&](int x, int y) {
      if ((x + y) % 2 == step % 2) generic::update_pixels<float>(refinement, plane_map(map), step / 2, x, y, 1);
    });
  }
  each([&](int x, int y) { generic::finish_pixel(refinement, map, y * kWidth + x); });
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("refinement of single pixels equals that in lanes") {
  for (const int window : {3, 7}) {
    for (const bool masked : {false, true}) {
      for (const bool geometric : {false, true}) {
        CAPTURE(window);
        CAPTURE(masked);
        CAPTURE(geometric);
        const Scene scene(window, masked, geometric);
        Map lanes, pixels;
        mvs::refine_depth(scene.refinement, lanes.view(), 2, 2);
        refine_pixels(scene.refinement, pixels.view(), 2);
        CHECK(same(lanes.depth, pixels.depth));
        CHECK(same(lanes.normals, pixels.normals));
        CHECK(same(lanes.confidence, pixels.confidence));
        CHECK(same(lanes.cost, pixels.cost));
        int found = 0;
        for (const float depth : pixels.depth) found += depth > 0;
        CHECK(found > kHeight * kWidth / 4);
      }
    }
  }
}

}  // namespace fastcv
