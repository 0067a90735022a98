// SPDX-License-Identifier: Apache-2.0
// The guided filter of single pixels, which GPUs run, has the bits of the tiles.
#include "mvs/guided_costs.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "mvs/guided_pixel.hd.h"

namespace fastcv {
namespace {

constexpr std::int64_t kNum = 3, kHeight = 70, kWidth = 200, kPixels = kHeight * kWidth;

template <int Channels>
void compare(int radius) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform(-0.5F, 0.5F);
  std::vector<float> costs(kNum * kPixels), guide(Channels * kPixels), tiles(costs.size()), expected(costs.size());
  for (auto& value : guide) value = uniform(random);
  for (std::size_t i = 0; i < costs.size(); ++i) {
    costs[i] = uniform(random) + 0.5F;
    if (i > kPixels && random() % 9 == 0) costs[i] = NAN;
  }
  const mvs::GuidedCosts in{
      {costs.data(), {kNum, kHeight, kWidth}}, {guide.data(), {Channels, kHeight, kWidth}}, radius, 1e-3F};
  mvs::guided_costs(in, {tiles.data(), {kNum, kHeight, kWidth}}, 2);
  std::vector<float> scratch(generic::GuidedSurface<Channels>::kPlanes * kPixels);
  for (std::int64_t k = 0; k < kNum; ++k) {
    const generic::GuidedSurface<Channels> surface{in, k, scratch.data(), {expected.data(), {kNum, kHeight, kWidth}}};
    for (std::int64_t i = 0; i < kPixels; ++i) surface.sum_rows(i);
    for (std::int64_t i = 0; i < kPixels; ++i) surface.fit(i);
    for (std::int64_t i = 0; i < kPixels; ++i) surface.sum_fits(i);
    for (std::int64_t i = 0; i < kPixels; ++i) surface.finish(i);
  }
  CHECK(std::memcmp(tiles.data(), expected.data(), tiles.size() * sizeof(float)) == 0);
}

TEST_CASE("the guided filter of pixels and of tiles") {
  for (const int radius : {1, 6, 32}) {
    compare<1>(radius);
    compare<3>(radius);
  }
}

}  // namespace
}  // namespace fastcv
