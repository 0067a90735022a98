// SPDX-License-Identifier: Apache-2.0
// Carving block by block against a plain loop over voxels and views, and a GPU's functors, run here, against the CPU's.
#include "voxels/carve.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "voxels/carve.hd.h"
#include "voxels/pack_masks.h"

using namespace fastcv;

namespace {

// Cameras on a circle around the grid's middle, some of them within the grid, and masks of discs with holes.
struct Scene {
  static constexpr int kViews = 9;
  std::int64_t shape[3];
  std::vector<std::vector<std::uint8_t>> pixels;
  std::vector<voxels::Mask> masks;
  std::vector<double> matrices;
  std::vector<std::int64_t> layout;
  std::vector<std::int32_t> words;
  std::vector<std::int64_t> sums;

  Scene(std::int64_t z, std::int64_t y, std::int64_t x) : shape{z, y, x} {
    std::mt19937 random(3);
    const auto uniform = [&] { return double(random()) / 4294967296.0; };
    std::int64_t num_words = 0, num_sums = 0;
    for (int view = 0; view < kViews; ++view) {
      const std::int64_t width = 61 + 7 * view, height = 83 - 5 * view;
      add_mask(width, height, view == 4 ? 7 : -1, random);
      const double distance = view < 6 ? 2.5 : 0.3, angle = 0.7 * view + uniform();
      add_camera(angle, distance, double(width), double(height), 50 + 20 * uniform());
      layout.insert(layout.end(), {width, height, num_words, num_sums});
      const std::int64_t rows = generic::tiles_along(height), columns = generic::tiles_along(width);
      num_words += 1 + rows * columns;
      num_sums += (rows + 1) * (columns + 1);
    }
    words.assign(num_words, -1);
    sums.assign(num_sums, -1);
    for (int view = 0; view < kViews; ++view) {
      masks.push_back({{pixels[view].data(), {layout[4 * view + 1], layout[4 * view]}}, view == 4 ? 7 : -1});
    }
    voxels::pack_masks(masks.data(), {layout.data(), kViews}, words.data(), sums.data(), 2);
  }
  void add_mask(std::int64_t width, std::int64_t height, int outside, std::mt19937& random) {
    auto& mask = pixels.emplace_back(width * height);
    for (std::int64_t i = 0; i < width * height; ++i) {
      const double dx = double(i % width) - 0.5 * double(width), dy = double(i / width) - 0.5 * double(height);
      const bool inside = dx * dx + dy * dy < 0.12 * double(height * width);
      mask[i] = inside && random() % 200 > 0 ? 255 : 0;
      if (outside >= 0 && i % width < 11) mask[i] = static_cast<std::uint8_t>(outside);
    }
  }
  // From voxels: the grid's longest side has length 1.
  void add_camera(double angle, double distance, double width, double height, double focal) {
    const double c = std::cos(angle), s = std::sin(angle), scale = 1 / double(std::max({shape[0], shape[1], shape[2]}));
    const double pose[3][3] = {{c, 0, s}, {0, 1, 0}, {-s, 0, c}};
    const double K[3][3] = {{focal, 0, 0.5 * width}, {0, focal, 0.5 * height}, {0, 0, 1}};
    const double t[3] = {0, 0, distance};
    for (int r = 0; r < 3; ++r) {
      double row[4] = {};
      for (int k = 0; k < 3; ++k) {
        for (int a = 0; a < 3; ++a) {
          row[a] += K[r][k] * pose[k][a] * scale;
          row[3] -= K[r][k] * pose[k][a] * scale * 0.5 * double(shape[2 - a]);
        }
        row[3] += K[r][k] * t[k];
      }
      matrices.insert(matrices.end(), row, row + 4);
    }
  }
  voxels::Carving carving(int min_views, int max_violations, int outside_violates) const {
    return {{kViews, matrices.data(), layout.data(), words.data(), sums.data()},
            {shape[0], shape[1], shape[2]},
            min_views,
            max_violations,
            outside_violates};
  }
  bool stays(const voxels::Carving& c, double x, double y, double z) const {
    int seen = 0, violations = 0;
    for (int view = 0; view < kViews; ++view) {
      const double* m = matrices.data() + 12 * view;
      const double w = m[8] * x + m[9] * y + m[10] * z + m[11];
      const double u = (m[0] * x + m[1] * y + m[2] * z + m[3]) / w, v = (m[4] * x + m[5] * y + m[6] * z + m[7]) / w;
      const std::int64_t width = layout[4 * view], height = layout[4 * view + 1];
      const bool in_image = w > 0 && u >= 0 && v >= 0 && u < double(width) && v < double(height);
      const int pixel = in_image ? pixels[view][std::int64_t(v) * width + std::int64_t(u)] : 7;
      const bool sees = in_image && pixel != masks[view].outside;
      seen += sees;
      violations += sees ? pixel == 0 : c.outside_violates;
    }
    return seen >= c.min_views && violations <= c.max_violations;
  }
};

struct Carved {
  std::vector<std::uint8_t> states, bits;
  std::vector<std::int64_t> blocks;

  bool at(const voxels::Carving& c, std::int64_t z, std::int64_t y, std::int64_t x) const {
    const std::int64_t block = (z / 8 * c.blocks_along(1) + y / 8) * c.blocks_along(2) + x / 8;
    if (states[block] != voxels::kMixed) return states[block] == voxels::kFull;
    const auto rank = std::lower_bound(blocks.begin(), blocks.end(), block) - blocks.begin();
    return bits[64 * rank + z % 8 * 8 + y % 8] >> (x % 8) & 1;
  }
};

Carved carve(const voxels::Carving& c, bool as_on_gpu, int threads) {
  Carved result;
  const std::int64_t count = c.blocks_along(0) * c.blocks_along(1) * c.blocks_along(2);
  result.states.assign(count, 77);
  if (as_on_gpu) {
    for (std::int64_t i = 0; i < count; ++i) generic::ClassifyBlock{c, result.states.data()}(i);
  } else {
    voxels::classify_blocks(c, result.states.data(), threads);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (result.states[i] == voxels::kMixed) result.blocks.push_back(i);
  }
  const auto mixed = static_cast<std::int64_t>(result.blocks.size());
  result.bits.assign(64 * mixed, 77);
  std::vector<std::uint8_t> settled(mixed, 77);
  if (as_on_gpu) {
    for (std::int64_t i = 0; i < 64 * mixed; ++i) generic::CarveRow{c, result.blocks.data(), result.bits.data()}(i);
    for (std::int64_t i = 0; i < mixed; ++i) {
      generic::SettleBlock{c, result.blocks.data(), result.bits.data(), settled.data()}(i);
    }
  } else {
    voxels::carve_blocks(c, {result.blocks.data(), {mixed}}, result.bits.data(), settled.data(), threads);
  }
  for (std::int64_t i = 0; i < mixed; ++i) result.states[result.blocks[i]] = settled[i];
  return result;
}

struct Count {
  std::int64_t wrong, occupied;
};
Count count(const Scene& scene, const voxels::Carving& c, const Carved& carved) {
  Count result{};
  for (std::int64_t z = 0; z < c.shape[0]; ++z) {
    for (std::int64_t y = 0; y < c.shape[1]; ++y) {
      for (std::int64_t x = 0; x < c.shape[2]; ++x) {
        const bool stays = scene.stays(c, double(x) + 0.5, double(y) + 0.5, double(z) + 0.5);
        result.wrong += stays != carved.at(c, z, y, x);
        result.occupied += stays;
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("carving equals a plain loop, whatever the rule, the threads and the functors") {
  const int rules[][3] = {{1, 0, 0}, {0, 0, 0}, {6, 1, 0}, {3, 2, 1}, {5, 3, 0}};
  for (const auto& sides : {std::array{72, 70, 75}, std::array{9, 130, 17}, std::array{3, 5, 4}}) {
    const Scene scene(sides[0], sides[1], sides[2]);
    for (const auto& rule : rules) {
      const voxels::Carving c = scene.carving(rule[0], rule[1], rule[2]);
      for (const int threads : {0, 1, 3}) {
        CAPTURE(threads);
        const Count result = count(scene, c, carve(c, threads == 0, threads));
        CHECK(result.wrong == 0);
        CHECK(result.occupied > 0);
      }
    }
  }
  const Scene scene(72, 70, 75);
  const voxels::Carving c = scene.carving(1, 0, 0);
  CHECK(count(scene, c, carve(c, false, 2)).occupied < 72 * 70 * 75 * 3 / 4);
}

// The first voxel of each block projects to the left edge of a tile, up to rounding; left of the edge is background.
TEST_CASE("a block is not decided where rounding may put a voxel on either side of an edge") {
  const std::int64_t length = 16000, width = 8 * length, height = 4, blocks = length / 8;
  std::vector<std::uint8_t> pixels(width * height);
  for (std::int64_t i = 0; i < width * height; ++i) pixels[i] = i % width % 64 >= 4;
  const std::int64_t layout[] = {width, height, 0, 0};
  std::vector<std::int32_t> words(1 + width / 4);
  std::vector<std::int64_t> sums(2 * (width / 4 + 1));
  const voxels::Mask mask{{pixels.data(), {height, width}}, -1};
  voxels::pack_masks(&mask, {layout, 1}, words.data(), sums.data(), 1);
  std::vector<std::int64_t> all(blocks);
  for (std::int64_t i = 0; i < blocks; ++i) all[i] = i;
  std::int64_t left = 0, right = 0, wrong = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const double w = 0.7 + 0.1 * trial, a = 0.3 * w, b = 0.9 * w;  // two terms that cancel, up to rounding
    const double matrix[] = {8 * w, a, b, -0.5 * (a + b), 0, 0, 0, 1.5 * w, 0, 0, 0, w};
    const voxels::Carving c{{1, matrix, layout, words.data(), sums.data()}, {1, 1, length}, 1, 0, 0};
    std::vector<std::uint8_t> states(blocks), bits(64 * blocks);
    voxels::classify_blocks(c, states.data(), 1);
    for (std::int64_t i = 0; i < blocks; ++i) {
      generic::CarveRow{c, all.data(), bits.data()}(64 * i);
      left += bits[64 * i] == 254;
      right += bits[64 * i] == 255;
      wrong += states[i] == voxels::kEmpty || (states[i] == voxels::kFull && bits[64 * i] != 255);
    }
  }
  CHECK(wrong == 0);
  CHECK(left > 1000);
  CHECK(right > 1000);
  CHECK(left + right == 20 * blocks);
}

TEST_CASE("tiles and their sums are the same by a GPU's functors") {
  const Scene scene(8, 8, 8);
  std::vector<std::int32_t> words(scene.words.size(), 0);
  std::vector<std::int64_t> sums(scene.sums.size(), -5);
  for (int view = 0; view < Scene::kViews; ++view) {
    const std::int64_t* layout = scene.layout.data() + 4 * view;
    const std::int64_t rows = generic::tiles_along(layout[1]), columns = generic::tiles_along(layout[0]);
    const voxels::Mask& mask = scene.masks[view];
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      generic::PackTile{mask.pixels, mask.outside, words.data() + layout[2]}(i);
    }
    for (std::int64_t row = 0; row <= rows; ++row) {
      generic::SumRow{columns, words.data() + layout[2], sums.data() + layout[3]}(row);
    }
    for (std::int64_t c = 0; c <= columns; ++c) generic::SumColumn{rows, columns, sums.data() + layout[3]}(c);
  }
  CHECK(words == scene.words);
  CHECK(sums == scene.sums);
}
