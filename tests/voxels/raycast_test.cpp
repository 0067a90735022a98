// SPDX-License-Identifier: Apache-2.0
// Rays in turns against one ray after another, as a GPU casts them, and the depths at which cells of rays meet blocks.
#include "voxels/raycast.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "voxels/raycast.hd.h"

using namespace fastcv;

namespace {

constexpr std::int64_t kHeight = 45, kWidth = 61;
constexpr std::int64_t kRows = 6, kColumns = 8;

// A ball of 20 voxels of size 1 around the origin, where values are at most 4, seen from 50 voxels in front of it.
struct Ball {
  std::vector<std::int32_t> blocks, slots = std::vector<std::int32_t>(1024);
  std::vector<std::int64_t> keys = std::vector<std::int64_t>(1024, voxels::kNoKey);
  std::vector<float> values, slopes;

  Ball() {
    for (std::int32_t z = -4; z < 4; ++z) {
      for (std::int32_t y = -4; y < 4; ++y) {
        for (std::int32_t x = -4; x < 4; ++x) add({z, y, x});
      }
    }
    voxels::insert_blocks({blocks.data(), std::int64_t(blocks.size() / 3)}, 0, 1024, keys.data(), slots.data());
    for (std::int64_t y = 0; y < kHeight; ++y) {
      for (std::int64_t x = 0; x < kWidth; ++x) {
        slopes.push_back((float(x) + 0.5F - 30) / 60);
        slopes.push_back(y == 7 ? std::nanf("") : (float(y) + 0.5F - 22) / 60);
      }
    }
  }
  void add(const std::array<std::int32_t, 3>& block) {
    std::vector<float> its;
    bool near = false;
    for (int i = 0; i < voxels::kBlockVoxels; ++i) {
      const double z = 8 * block[0] + i / 64 + 0.5, y = 8 * block[1] + i / 8 % 8 + 0.5, x = 8 * block[2] + i % 8 + 0.5;
      its.push_back(float(std::sqrt(x * x + y * y + z * z) - 20));
      near |= std::abs(its.back()) < 4;
    }
    if (!near) return;
    blocks.insert(blocks.end(), block.begin(), block.end());
    for (const float value : its) values.push_back(std::min(value, 4.0F));
  }
};

struct Picture {
  std::vector<float> depth = std::vector<float>(kHeight * kWidth, -1),
                     normals = std::vector<float>(3 * depth.size(), -1);
  voxels::RenderBuffers buffers() { return {depth.data(), normals.data(), nullptr}; }
};

}  // namespace

TEST_CASE("rays in turns see the bits of one ray after another") {
  const Ball ball;
  const std::vector<float> weights(ball.values.size(), 1);
  const voxels::Surface surface{
      {1024, ball.keys.data(), ball.slots.data()}, ball.values.data(), weights.data(), nullptr, 1};
  std::vector<float> ranges(2 * kRows * kColumns);
  std::vector<std::uint32_t> occupied(kRows * kColumns);
  voxels::RayView view{{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, -50},
                       1,
                       {ball.slopes.data(), {kHeight, kWidth, 2}},
                       0,
                       1e9,
                       {-29.5 / 60, -21.5 / 60},
                       {8 * 60.0 / 60, 6 * 60.0 / 44},
                       kRows,
                       kColumns,
                       ranges.data(),
                       occupied.data()};
  const std::array<double, 12> cam_from_voxel{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 50};
  voxels::find_depths(view, cam_from_voxel.data(), {ball.blocks.data(), std::int64_t(ball.blocks.size() / 3)},
                      ranges.data(), occupied.data());
  Picture one;
  const generic::RenderPixels pixels(surface, view, one.buffers());
  for (std::int64_t i = 0; i < kHeight * kWidth; ++i) pixels(i);
  for (const int num_threads : {1, 2, 8}) {
    Picture picture;
    voxels::raycast(surface, view, picture.buffers(), num_threads);
    CHECK(picture.depth == one.depth);
    CHECK(picture.normals == one.normals);
  }
  // By a ray's distance from the ball's middle: values between voxels are off by at most h^2 / 4 R along the normal.
  std::int64_t phantoms = 0, seen = 0;
  double worst = 0;
  for (std::int64_t i = 0; i < kHeight * kWidth; ++i) {
    const double sx = ball.slopes[2 * i], sy = ball.slopes[2 * i + 1], squares = sx * sx + sy * sy + 1;
    const double under_root = 50 * 50 - squares * (50 * 50 - 20 * 20);
    phantoms += !(under_root >= 0) && one.depth[i] != 0;
    if (!(under_root > 100)) continue;  // at its rim, or beside it
    ++seen;
    worst = std::max(worst, std::abs(one.depth[i] - (50 - std::sqrt(under_root)) / squares));
  }
  CHECK(phantoms == 0);
  CHECK(worst < 0.04);
  CHECK(seen > 400);
}

TEST_CASE("the next depth with blocks") {
  const std::array<float, 2> range{2, 34};  // parts are 1 deep
  generic::CellDepths depths(range.data(), 0);
  CHECK(depths.parts_between(2, 34) == ~std::uint32_t(0));
  CHECK(depths.parts_between(2.5, 2.7) == 1);
  CHECK(depths.parts_between(3.5, 5.5) == 0b1110);
  CHECK(depths.parts_between(33.5, 34) == std::uint32_t(1) << 31);
  depths.occupied = depths.parts_between(5.5, 6.5) | depths.parts_between(30.2, 30.3);
  CHECK(depths.next_occupied(2) == 5);
  CHECK(depths.next_occupied(5.25) == 5.25);
  CHECK(depths.next_occupied(7) == 30);
  CHECK(depths.next_occupied(31) > 34);
  const std::array<float, 2> flat{3, 3};
  const generic::CellDepths at_once(flat.data(), 1);
  CHECK(at_once.parts_between(3, 3) == 1);
  CHECK(at_once.next_occupied(3) == 3);
}
