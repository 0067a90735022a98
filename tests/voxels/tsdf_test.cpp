// SPDX-License-Identifier: Apache-2.0
// Fusion by boxes, groups and lanes against plain loops over voxels and frames, which are what a GPU runs.
#include "voxels/tsdf.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "voxels/pack_frame.hd.h"
#include "voxels/tsdf.hd.h"

using namespace fastcv;

namespace {

constexpr int kSide = 12;  // blocks along each axis of the space that is searched by hand
constexpr float kTruncation = 3.5F;

// Views of 61 x 83 pixels from around and from within the space, of steps, slopes and holes; voxels have size 1.
struct Scene {
  static constexpr std::int64_t kFrames = 5, kHeight = 83, kWidth = 61, kPixels = kHeight * kWidth;
  std::vector<float> raw, weights, depths, ranges;
  std::vector<std::uint8_t> rgb;
  std::vector<std::int32_t> colors;
  std::vector<double> matrices;

  Scene() : raw(kFrames * kPixels), weights(raw.size()), depths(raw.size()), rgb(3 * raw.size()), colors(raw.size()) {
    std::mt19937 random(7);
    const auto uniform = [&] { return float(random()) / 4294967296.0F; };
    for (std::int64_t i = 0; i < kFrames * kPixels; ++i) {
      const auto x = float(i % kWidth), y = float(i / kWidth % kHeight);
      raw[i] = (x > 25 ? 30 + 0.3F * y : 60 - 0.4F * x) + 0.05F * uniform();
      if (random() % 20 == 0) raw[i] = random() % 2 == 0 ? std::nanf("") : 0;
      weights[i] = random() % 30 == 0 ? 0 : 0.5F + uniform();
      for (int c = 0; c < 3; ++c) rgb[3 * i + c] = static_cast<std::uint8_t>(random());
    }
    for (int f = 0; f < kFrames; ++f) add_camera(0.9 * f + 0.3, f < 4 ? 45 : 2, f == 2 ? 300 : 50);
    ranges.resize(2 * kFrames * voxels::DepthWindows(kHeight, kWidth).count());
    voxels::pack_frames<float>({raw.data(), {kFrames, kHeight, kWidth}}, 1, 1e9F, {rgb.data(), weights.data()},
                               {depths.data(), colors.data(), ranges.data()}, 2);
  }
  // Turned about y, looking at the origin from `distance`.
  void add_camera(double angle, double distance, double focal) {
    const double c = std::cos(angle), s = std::sin(angle);
    const double R[3][3] = {{c, 0, s}, {0.6 * s, 0.8, -0.6 * c}, {-0.8 * s, 0.6, 0.8 * c}};
    const double K[3][3] = {{focal, 0, 0.5 * kWidth}, {0, focal, 0.5 * kHeight}, {0, 0, 1}};
    for (int r = 0; r < 3; ++r) {
      double row[4] = {0, 0, 0, K[r][2] * distance};
      for (int k = 0; k < 3; ++k) {
        for (int a = 0; a < 3; ++a) row[a] += K[r][k] * R[k][a];
      }
      matrices.insert(matrices.end(), row, row + 4);
    }
  }
  voxels::Fusion fusion(bool with_weights, bool with_colors) const {
    return {{kFrames, kHeight, kWidth, matrices.data(), depths.data(), with_colors ? colors.data() : nullptr,
             with_weights ? weights.data() : nullptr, ranges.data(), voxels::DepthWindows(kHeight, kWidth)},
            kTruncation,
            0.75F,
            2.5F};
  }
};

struct Table {
  std::vector<std::int64_t> keys = std::vector<std::int64_t>(4096, voxels::kNoKey);
  std::vector<std::int32_t> slots = std::vector<std::int32_t>(4096);
  bool insert(const std::vector<std::int32_t>& blocks) {
    return voxels::insert_blocks({blocks.data(), std::int64_t(blocks.size() / 3)}, 0, 4096, keys.data(), slots.data());
  }
  voxels::BlockTable view() const { return {4096, keys.data(), slots.data()}; }
};

struct Found {
  std::vector<std::int32_t> blocks, first;
  std::int64_t count;
};
Found find(const voxels::Fusion& fusion, const Table& table, std::int64_t limit, int threads) {
  Found found{std::vector<std::int32_t>(3 * 4096), std::vector<std::int32_t>(4096), 0};
  found.count =
      voxels::find_blocks(fusion, table.view(), limit, {found.blocks.data(), 4096}, found.first.data(), threads);
  found.blocks.resize(3 * std::min<std::int64_t>(found.count, 4096));
  found.first.resize(found.blocks.size() / 3);
  return found;
}

// The first frame with a voxel of the block in its band, one voxel at a time; -1 for none.
std::int32_t first_by_hand(const voxels::Fusion& fusion, const std::array<std::int32_t, 3>& block) {
  const voxels::BlockNumber number{{block[0], block[1], block[2]}};
  std::int32_t first = -1;
  for (std::int64_t i = 0; i < voxels::kBlockVoxels; ++i) {
    const std::int32_t frame = generic::FirstInBand{fusion, &number}(i);
    if (frame >= 0 && (first < 0 || frame < first)) first = frame;
  }
  return first;
}

}  // namespace

TEST_CASE("blocks are found where a loop over voxels finds them") {
  const Scene scene;
  const voxels::Fusion fusion = scene.fusion(true, false);
  const Found found = find(fusion, {}, 4096, 1);
  REQUIRE(found.count < 4096);
  std::int64_t within = 0, wrong = 0, by_hand = 0;
  for (std::int32_t z = -kSide; z < kSide; ++z) {
    for (std::int32_t y = -kSide; y < kSide; ++y) {
      for (std::int32_t x = -kSide; x < kSide; ++x) {
        const std::int32_t first = first_by_hand(fusion, {z, y, x});
        by_hand += first >= 0;
        for (std::size_t i = 0; i < found.first.size(); ++i) {
          const std::int32_t* b = &found.blocks[3 * i];
          if (b[0] == z && b[1] == y && b[2] == x) {
            ++within;
            wrong += found.first[i] != first;
          }
        }
      }
    }
  }
  CHECK(within == by_hand);
  CHECK(wrong == 0);
  CHECK(by_hand > 300);
  CHECK(*std::max_element(found.first.begin(), found.first.end()) > 0);
  const Found again = find(fusion, {}, 4096, 3);
  CHECK(again.blocks == found.blocks);
  CHECK(again.first == found.first);
  CHECK(find(fusion, {}, 100, 2).count == 101);

  Table table;
  CHECK(table.insert(found.blocks));
  CHECK(find(fusion, table, 4096, 2).count == 0);
  CHECK_FALSE(Table(table).insert(found.blocks));
  for (std::size_t i = 0; i < found.first.size(); ++i) {
    REQUIRE(generic::find_slot(table.view(), generic::block_key(&found.blocks[3 * i])) == std::int32_t(i));
  }
}

TEST_CASE("groups, boxes and lanes come to the bits of one voxel after the other") {
  const Scene scene;
  std::vector<std::int32_t> blocks;
  for (std::int32_t i = 0; i < 10 * 10 * 10; ++i) {
    blocks.insert(blocks.end(), {i / 100 - 5, i / 10 % 10 - 5, i % 10 - 5});
  }
  const std::int64_t count = 1000, size = count * voxels::kBlockVoxels;
  std::vector<std::int32_t> first(300);
  for (std::size_t i = 0; i < first.size(); ++i) first[i] = std::int32_t(i % 4);
  for (const bool extras : {false, true}) {
    const voxels::Fusion fusion = scene.fusion(extras, extras);
    std::vector<float> values[3], weights[3], colors[3];
    for (int run = 0; run < 3; ++run) {
      values[run].assign(size, 0);
      weights[run].assign(size, 0);
      colors[run].assign(3 * size, 0);
      const voxels::BlockVoxels voxels{values[run].data(), weights[run].data(), extras ? colors[run].data() : nullptr};
      const Rows<const std::int32_t, 3> rows{blocks.data(), count};
      const View<const std::int32_t, 1> starts{first.data(), {std::int64_t(first.size())}};
      if (run == 0) {
        for (std::int64_t i = 0; i < size; ++i) generic::IntegrateVoxel{fusion, rows, starts, voxels}(i);
      } else {
        voxels::integrate(fusion, rows, starts, voxels, 2 * run - 1);
      }
    }
    for (int run = 1; run < 3; ++run) {
      CHECK(values[run] == values[0]);
      CHECK(weights[run] == weights[0]);
      CHECK(colors[run] == colors[0]);
    }
    CHECK(std::count_if(weights[0].begin(), weights[0].end(), [](float w) { return w > 0; }) > size / 20);
    CHECK(*std::max_element(weights[0].begin(), weights[0].end()) == 2.5F);
    CHECK((*std::max_element(colors[0].begin(), colors[0].end()) > 200) == extras);
  }
}

TEST_CASE("packed frames are the same by a GPU's functors") {
  const Scene scene;
  std::vector<float> depths(scene.depths.size()), ranges(scene.ranges.size());
  std::vector<std::int32_t> colors(scene.colors.size());
  const voxels::DepthWindows windows(Scene::kHeight, Scene::kWidth);
  const generic::PackFrameTile<float> tile{{scene.raw.data(), {Scene::kFrames, Scene::kHeight, Scene::kWidth}},
                                           1,
                                           1e9F,
                                           {scene.rgb.data(), scene.weights.data()},
                                           {depths.data(), colors.data(), ranges.data()},
                                           windows};
  for (std::int64_t i = 0; i < Scene::kFrames * windows.tiles(); ++i) tile(i);
  for (int level = 1; level <= windows.levels; ++level) {
    const generic::WidenWindow widen{windows, level, ranges.data()};
    for (std::int64_t i = 0; i < Scene::kFrames * widen.per_frame(); ++i) widen(i);
  }
  CHECK(depths == scene.depths);
  CHECK(colors == scene.colors);
  CHECK(ranges == scene.ranges);
}
