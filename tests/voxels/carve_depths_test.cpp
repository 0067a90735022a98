// SPDX-License-Identifier: Apache-2.0
// Carving by depth maps block by block against a plain loop over voxels and views, and a GPU's functors, run here.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "voxels/carve.h"
#include "voxels/carve.hd.h"

using namespace fastcv;

namespace {

// Views along the three axes and a camera within the grid: slopes, background, holes, and pixels of no photograph.
struct Scene {
  static constexpr int kViews = 5;
  std::int64_t shape[3];
  std::vector<std::vector<float>> pixels;
  std::vector<double> matrices;
  std::vector<std::int64_t> layout;
  std::vector<float> ranges;

  Scene(std::int64_t z, std::int64_t y, std::int64_t x) : shape{z, y, x} {
    std::mt19937 random(11);
    std::int64_t num_ranges = 0;
    for (int view = 0; view < kViews; ++view) {
      const std::int64_t width = 61 + 17 * view, height = 83 - 13 * view;
      add_map(view, width, height, random);
      add_camera(view, double(width), double(height));
      layout.insert(layout.end(), {width, height, 0, num_ranges});
      std::int64_t rows = generic::tiles_along(height), columns = generic::tiles_along(width);
      for (num_ranges += 2 * rows * columns; rows * columns > 1; num_ranges += 2 * rows * columns) {
        rows = (rows + 1) / 2;
        columns = (columns + 1) / 2;
      }
    }
    ranges.assign(num_ranges, -7);
    const auto all = maps();
    voxels::pack_depths(all.data(), {layout.data(), kViews}, ranges.data(), 2);
  }
  std::vector<View<const float, 2>> maps() const {
    std::vector<View<const float, 2>> result;
    for (int view = 0; view < kViews; ++view) {
      result.push_back({pixels[view].data(), {layout[4 * view + 1], layout[4 * view]}});
    }
    return result;
  }
  void add_map(int view, std::int64_t width, std::int64_t height, std::mt19937& random) {
    auto& map = pixels.emplace_back(width * height);
    for (std::int64_t i = 0; i < width * height; ++i) {
      const double across = double(i % width) / double(width), down = double(i / width) / double(height);
      map[i] = static_cast<float>((view < 3 ? 1.7 : 0.1) + 0.4 * across - 0.1 * down);
      if (down < 0.2) map[i] = std::numeric_limits<float>::infinity();
      if (random() % 1000 == 0) map[i] = view % 2 ? 0 : std::numeric_limits<float>::quiet_NaN();
      if (view == 2 && i % width < 11) map[i] = -3;
    }
  }
  // From voxels: the grid's longest side has length 1. No centre falls onto the edge of a pixel.
  void add_camera(int view, double width, double height) {
    const double scale = 1 / double(std::max({shape[0], shape[1], shape[2]})), distance = view < 3 ? 2 : 0.1;
    const double focal = view < 3 ? 90 : 30;
    for (int row = 0; row < 3; ++row) {
      double m[4] = {};
      const auto add = [&](int axis, double factor) {  // the axis, from the middle of the grid
        m[axis] += factor * scale;
        m[3] -= factor * scale * 0.5 * double(shape[2 - axis]);
      };
      const int u = (view + 1) % 3, v = (view + 2) % 3, w = view % 3;
      const double center = row == 0 ? 0.5137 * width : row == 1 ? 0.4871 * height : 1;
      add(u, row == 0 ? focal : 0.0173);
      add(v, row == 1 ? focal : 0.0211);
      add(w, center);
      m[3] += distance * center;
      matrices.insert(matrices.end(), m, m + 4);
    }
  }
  voxels::DepthCarving carving(double margin, int min_views, int max_violations, int outside_violates) const {
    return {{kViews, matrices.data(), layout.data(), ranges.data(), margin},
            {shape[0], shape[1], shape[2]},
            min_views,
            max_violations,
            outside_violates};
  }
  bool stays(const voxels::DepthCarving& c, double x, double y, double z) const {
    int seen = 0, violations = 0;
    for (int view = 0; view < kViews; ++view) {
      const double* m = matrices.data() + 12 * view;
      const double w = m[8] * x + m[9] * y + m[10] * z + m[11];
      const double u = (m[0] * x + m[1] * y + m[2] * z + m[3]) / w, v = (m[4] * x + m[5] * y + m[6] * z + m[7]) / w;
      const std::int64_t width = layout[4 * view], height = layout[4 * view + 1];
      const bool in_image = w > 0 && u >= 0 && v >= 0 && u < double(width) && v < double(height);
      const float depth = in_image ? pixels[view][std::int64_t(v) * width + std::int64_t(u)] : -1;
      seen += depth > 0;
      violations += depth > 0 ? w < double(depth) - c.views.margin : depth < 0 && c.outside_violates;
    }
    return seen >= c.min_views && violations <= c.max_violations;
  }
};

struct Carved {
  std::vector<std::uint8_t> states, bits;
  std::vector<std::int64_t> blocks;
};

Carved carve(const voxels::DepthCarving& c, bool as_on_gpu, int threads) {
  Carved result;
  const std::int64_t count = c.blocks_along(0) * c.blocks_along(1) * c.blocks_along(2);
  result.states.assign(count, 77);
  if (as_on_gpu) {
    const generic::ClassifyBlock<voxels::DepthMaps> classify{c, result.states.data()};
    for (std::int64_t i = 0; i < count; ++i) classify(i);
  } else {
    voxels::classify_blocks(c, result.states.data(), threads);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (result.states[i] == voxels::kMixed) result.blocks.push_back(i);
  }
  const auto mixed = static_cast<std::int64_t>(result.blocks.size());
  result.bits.assign(64 * mixed, 77);
  if (as_on_gpu) {
    const generic::CarveRow<voxels::DepthMaps> row{c, result.blocks.data(), result.bits.data()};
    for (std::int64_t i = 0; i < 64 * mixed; ++i) row(i);
  } else {
    std::vector<std::uint8_t> settled(mixed, 77);
    voxels::carve_blocks(c, {result.blocks.data(), {mixed}}, result.bits.data(), settled.data(), threads);
  }
  return result;
}

struct Count {
  std::int64_t wrong = 0, occupied = 0, undivided = 0;
};
Count count(const Scene& scene, const voxels::DepthCarving& c, const Carved& carved) {
  Count result;
  for (std::int64_t z = 0; z < c.shape[0]; ++z) {
    for (std::int64_t y = 0; y < c.shape[1]; ++y) {
      for (std::int64_t x = 0; x < c.shape[2]; ++x) {
        const bool stays = scene.stays(c, double(x) + 0.5, double(y) + 0.5, double(z) + 0.5);
        const std::int64_t block = (z / 8 * c.blocks_along(1) + y / 8) * c.blocks_along(2) + x / 8;
        const auto rank = std::lower_bound(carved.blocks.begin(), carved.blocks.end(), block) - carved.blocks.begin();
        const int state = carved.states[block];
        const bool kept = state == voxels::kMixed ? carved.bits[64 * rank + z % 8 * 8 + y % 8] >> (x % 8) & 1
                                                  : state == voxels::kFull;
        result.wrong += stays != kept;
        result.occupied += stays;
        result.undivided += state != voxels::kMixed;
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("carving by depth maps equals a plain loop, whatever the rule, the threads and the functors") {
  struct Rule {
    double margin;
    int min_views, max_violations, outside_violates;
  };
  const Rule rules[] = {{0.02, 1, 0, 0}, {0, 0, 0, 0}, {0.1, 2, 1, 0}, {0.01, 1, 2, 1}, {0.3, 3, 0, 0}};
  for (const auto& sides : {std::array{50, 44, 47}, std::array{9, 130, 17}, std::array{3, 5, 4}}) {
    const Scene scene(sides[0], sides[1], sides[2]);
    for (const Rule& rule : rules) {
      const auto c = scene.carving(rule.margin, rule.min_views, rule.max_violations, rule.outside_violates);
      for (const int threads : {0, 1, 3}) {
        CAPTURE(threads);
        const Count result = count(scene, c, carve(c, threads == 0, threads));
        CHECK(result.wrong == 0);
      }
    }
  }
  const Scene scene(50, 44, 47);
  const auto c = scene.carving(0.02, 1, 0, 0);
  const Count result = count(scene, c, carve(c, false, 2));
  CHECK(result.occupied > 50 * 44 * 47 / 20);
  CHECK(result.occupied < 50 * 44 * 47 * 3 / 4);
  CHECK(result.undivided > 50 * 44 * 47 / 4);
}

TEST_CASE("ranges hold every pixel of their squares and none of beyond the image") {
  const Scene scene(8, 8, 8);
  const voxels::DepthMaps all = scene.carving(0, 0, 0, 0).views;
  for (int view = 0; view < Scene::kViews; ++view) {
    const generic::DepthMap map = generic::view_of(all, view);
    const std::int64_t width = scene.layout[4 * view], last_column = map.tile_columns - 1, last_row = map.tile_rows - 1;
    for (const auto& [left, right, top, bottom] :
         {std::array<std::int64_t, 4>{0, last_column, 0, last_row}, std::array<std::int64_t, 4>{2, 4, 1, 3},
          std::array<std::int64_t, 4>{last_column, last_column, last_row, last_row}}) {
      float low = std::numeric_limits<float>::infinity(), high = -low;
      for (std::int64_t i = 0; i < width * scene.layout[4 * view + 1]; ++i) {
        const std::int64_t column = i % width / 4, row = i / width / 4;
        if (column < left || column > right || row < top || row > bottom) continue;
        const float depth = scene.pixels[view][i], code = depth > 0 ? depth : depth < 0 ? -1.0F : 0.0F;
        low = std::min(low, code);
        high = std::max(high, code);
      }
      const generic::Range range = generic::range_of(map, left, right, top, bottom);
      CHECK(range.low <= low);
      CHECK(range.high >= high);
      if (right - left < generic::kSquares && bottom - top < generic::kSquares) {
        CHECK(range.low == low);
        CHECK(range.high == high);
      }
    }
  }
}
