// SPDX-License-Identifier: Apache-2.0
// The volume that a GPU works on, its lines and pixels run one after the other here, against the rows of the CPU.
#include "mvs/disparity.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "follow_paths.h"
#include "mvs/stereo_volume.hd.h"

using namespace fastcv;

namespace {

struct Pair {
  std::int64_t height, width;
  std::vector<std::uint16_t> left, right;

  Pair(std::int64_t rows, std::int64_t columns) : height(rows), width(columns) {
    std::mt19937 random(7);
    const std::int64_t stride = width + 2 * mvs::kCensusRadius;
    for (auto* image : {&left, &right}) {
      image->resize(height * stride);
      for (auto& value : *image) value = static_cast<std::uint16_t>(random() % 1000);
    }
    for (std::int64_t i = 0; i + 3 < height * stride; ++i) {
      if (random() % 5 > 0) right[i] = left[i + 3];
    }
  }
  View<const std::uint16_t, 2> view(const std::vector<std::uint16_t>& image) const {
    return {image.data(), {height, width + 2 * mvs::kCensusRadius}};
  }
};

std::vector<float> by_volume(const Pair& pair, const mvs::StereoMatch& match) {
  const std::int64_t pixels = pair.height * pair.width, num = match.num_disparities;
  std::vector<std::uint64_t> left(pixels), right(pixels);
  std::vector<std::uint8_t> cost(pixels * num), sum(pixels * num, 0);
  std::vector<generic::BestDisparity> best(pixels);
  std::vector<std::int32_t> right_index(pixels);
  std::vector<float> out(2 * pixels);
  const generic::StereoVolume volume{
      match, {cost.data(), {pair.height, pair.width, num}}, {sum.data(), {pair.height, pair.width, num}}};
  const auto each = [&](const auto& body) {
    for (std::int64_t i = 0; i < pixels; ++i) body(i);
  };
  each(generic::CensusPixel{pair.view(pair.left), {left.data(), {pair.height, pair.width}}});
  each(generic::CensusPixel{pair.view(pair.right), {right.data(), {pair.height, pair.width}}});
  each(generic::CostPixel{volume, {left.data(), {pair.height, pair.width}}, {right.data(), {pair.height, pair.width}}});
  for (int direction = 0; direction < generic::kNumPaths; ++direction) {
    follow_paths(volume.cost, volume.sum, match.p1, match.p2, direction);
  }
  each(generic::BestPixel{volume, best.data()});
  each(generic::RightPixel{volume, right_index.data()});
  const mvs::DisparityMap map{{out.data(), {pair.height, pair.width}},
                              {out.data() + pixels, {pair.height, pair.width}}};
  each(generic::FinishPixel{match, map, best.data(), right_index.data()});
  return out;
}

}  // namespace

TEST_CASE("rows in cache and a volume in memory give the same disparities") {
  for (const auto& [height, width] : {std::pair{1, 30}, {23, 9}, {14, 90}}) {
    const Pair pair(height, width);
    const std::int64_t pixels = pair.height * pair.width;
    for (const std::int32_t low : {0, -4, 3}) {
      const mvs::StereoMatch match{std::min(width, 70), low, 16, 51, 1, 0.0F};
      std::vector<float> rows(2 * pixels);
      const mvs::DisparityMap map{{rows.data(), {height, width}}, {rows.data() + pixels, {height, width}}};
      mvs::estimate_disparity(pair.view(pair.left), pair.view(pair.right), match, map, 2);
      const std::vector<float> volume = by_volume(pair, match);
      std::int64_t num_found = 0, num_different = 0;
      for (std::int64_t i = 0; i < 2 * pixels; ++i) {
        const bool both_missing = rows[i] != rows[i] && volume[i] != volume[i];
        num_different += !(both_missing || rows[i] == volume[i]);
        num_found += i < pixels && rows[i] == rows[i];
      }
      CHECK(num_different == 0);
      CHECK(num_found > (low == 0 ? pixels / 10 : 0));
    }
  }
}
