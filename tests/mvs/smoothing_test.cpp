// SPDX-License-Identifier: Apache-2.0
// The levels that a GPU works on, its lines and pixels run one after the other here, against the rows of the CPU.
#include "mvs/smoothing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "follow_paths.h"
#include "mvs/pack_image.h"
#include "mvs/smooth_volume.hd.h"

using namespace fastcv;

namespace {

struct Volume {
  std::vector<std::uint8_t> bytes;
  generic::SmoothVolume view;

  // Levels and sums of costs (surfaces, height, width).
  Volume(const View<const float, 3>& costs, const mvs::Smoothing& smoothing) : bytes(3 * costs.size(), 0) {
    const auto part = [&](int k) {
      return View<std::uint8_t, 3>{bytes.data() + k * costs.size(), {costs.shape[1], costs.shape[2], costs.shape[0]}};
    };
    view = {part(0), {part(1), part(2)}};
    const generic::LevelOfCost level{costs, generic::levels_per_cost(smoothing.max_cost), view.levels, 0};
    for (std::int64_t i = 0; i < costs.size(); ++i) level(i);
    for (int side = 0; side < 2; ++side) {
      for (const int direction : generic::kSmoothPaths[side]) {
        follow_paths(view.levels, view.sums[side], smoothing.p1, smoothing.p2, direction);
      }
    }
  }
};

std::vector<float> noisy_costs(std::int64_t size) {
  std::mt19937 random(3);
  std::vector<float> costs(size);
  for (float& cost : costs) cost = random() % 9 == 0 ? NAN : float(random() % 1200) / 1000.0F;
  return costs;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("rows in bands and levels in memory give the same smooth costs") {
  for (const auto& [num, height, width] :
       std::to_array<std::array<std::int64_t, 3>>({{7, 1, 30}, {70, 23, 9}, {64, 40, 33}})) {
    const std::vector<float> costs = noisy_costs(num * height * width);
    for (const std::int64_t band_rows : {height, std::int64_t(4)}) {
      const mvs::Smoothing smoothing{0.9F, 5, 150, band_rows};
      const View<const float, 3> view{costs.data(), {num, height, width}};
      std::vector<float> rows(costs.size()), pixels(costs.size());
      mvs::smooth_costs(view, smoothing, {rows.data(), {num, height, width}}, 2);
      const Volume volume(view, smoothing);
      const generic::CostOfTotal cost{
          volume.view, generic::cost_per_total(smoothing.max_cost), {pixels.data(), {num, height, width}}};
      for (std::int64_t i = 0; i < view.size(); ++i) cost(i);
      CHECK(same_bits(rows, pixels));
    }
  }
}

TEST_CASE("rows in bands and levels in memory give the same depths of a sweep") {
  constexpr int kHeight = 37, kWidth = 41, kPlanes = 20;
  std::mt19937 random(5);
  std::vector<std::uint8_t> image(kHeight * (kWidth + 8)), mask(kHeight * kWidth);
  for (auto& value : image) value = static_cast<std::uint8_t>(random());
  for (auto& value : mask) value = random() % 30 != 0;
  std::vector<std::vector<std::int32_t>> words(3, std::vector<std::int32_t>((kHeight + 1) * (kWidth + 1)));
  mvs::Sweep sweep{};
  for (int k = 0; k < 3; ++k) {  // a wall whose left part is bare, shifted by 4 pixels from view to view
    std::vector<std::uint8_t> shifted(kHeight * kWidth);
    for (int i = 0; i < kHeight * kWidth; ++i) {
      const int x = i % kWidth + 4 * k;
      shifted[i] = x < 20 ? 90 : image[i / kWidth * (kWidth + 8) + x];
    }
    mvs::pack_image<std::uint8_t>({shifted.data(), {kHeight, kWidth, 1}}, k == 0 ? mask.data() : nullptr,
                                  {words[k].data(), {kHeight + 1, kWidth + 1, 1}}, 1);
    if (k > 0) {
      sweep.sources[k - 1] = {
          {words[k].data(), kHeight, kWidth, false}, {1, 0, 0, 0, 1, 0, 0, 0, 1}, {-8.0F * float(k), 0, 0}, 1.0F};
    }
  }
  std::vector<float> planes;
  for (int d = 0; d < kPlanes; ++d) planes.insert(planes.end(), {0, 0, 0.05F * float(d + 1)});
  sweep.cost = mvs::MatchCost::ncc;
  sweep.channels = sweep.num_best = 1;
  sweep.window = 5;
  sweep.truncation = 255;
  sweep.num_sources = 2;
  sweep.reference = {words[0].data(), kHeight, kWidth, true};
  sweep.hypotheses = {planes.data(), nullptr, kPlanes};
  const mvs::Smoothing smoothing{1.0F, 6, 96, 32};

  std::vector<float> costs(kPlanes * kHeight * kWidth), rows(3 * kHeight * kWidth), pixels(rows.size());
  const auto map = [](std::vector<float>& values) {
    const auto part = [&](int k) { return View<float, 2>{values.data() + k * kHeight * kWidth, {kHeight, kWidth}}; };
    return mvs::DepthMap{part(0), part(1), part(2)};
  };
  mvs::plane_sweep(sweep, {{costs.data(), {kPlanes, kHeight, kWidth}}, {}}, 2);
  mvs::estimate_smooth_depth(sweep, smoothing, map(rows), 2);
  const Volume volume({costs.data(), {kPlanes, kHeight, kWidth}}, smoothing);
  const generic::SmoothWinner winner{sweep, volume.view, generic::cost_per_total(1.0F), map(pixels)};
  for (std::int64_t i = 0; i < kHeight * kWidth; ++i) winner(i);
  CHECK(same_bits(rows, pixels));
  std::int64_t num_right = 0, num_masked = 0;
  for (int i = 0; i < kHeight * kWidth; ++i) {
    num_right += i % kWidth >= 8 && std::fabs(rows[i] - 2.0F) < 0.02F;
    num_masked += mask[i] == 0 && rows[i] == 0;
  }
  CHECK(num_right > kHeight * 25);
  CHECK(num_masked == std::count(mask.begin(), mask.end(), 0));
}
