// SPDX-License-Identifier: Apache-2.0
// Space carving round by round against a plain loop that looks at every voxel on every ray and judges every voxel anew.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "chequered_ball.h"

using namespace fastcv;

namespace {

using namespace chequered;

struct Seen {
  double color[3], roughness, share;
};

struct Rule {
  double gains[3 * Scene::kViews];
  double threshold, slack;
  int min_views;
};

// The plain loop.
struct Reference {
  const Scene& scene;
  Bytes states;
  std::vector<Hit> sights;  // what every pixel sees; voxel -1 for nothing

  explicit Reference(const Scene& of) : scene(of), states(of.start()) { look(); }

  void look() {
    sights.assign(scene.rays.size(), {-1, 0});
    for (std::size_t pixel = 0; pixel < scene.rays.size(); ++pixel) {
      for (const Hit& hit : scene.rays[pixel]) {
        if (states[hit.voxel] == 0) continue;
        sights[pixel] = hit;
        break;
      }
    }
  }
  bool occupied(std::int64_t x, std::int64_t y, std::int64_t z) const {
    const std::int64_t* s = scene.shape;
    return x >= 0 && y >= 0 && z >= 0 && x < s[2] && y < s[1] && z < s[0] && states[scene.number(x, y, z)] != 0;
  }
  bool exposed(std::int64_t x, std::int64_t y, std::int64_t z) const {
    return !(occupied(x - 1, y, z) && occupied(x + 1, y, z) && occupied(x, y - 1, z) && occupied(x, y + 1, z) &&
             occupied(x, y, z - 1) && occupied(x, y, z + 1));
  }
  // Standard deviation of the 3 x 3 levels around a pixel, over channels, to whole numbers.
  double roughness(std::int64_t view, std::int64_t column, std::int64_t row) const {
    double variance = 0;
    for (int c = 0; c < 3; ++c) {
      double n = 0, sum = 0, squares = 0;
      for (std::int64_t y = std::max<std::int64_t>(row - 1, 0); y <= std::min(row + 1, Scene::kHeight - 1); ++y) {
        for (std::int64_t x = std::max<std::int64_t>(column - 1, 0); x <= std::min(column + 1, Scene::kWidth - 1);
             ++x) {
          const double level = level_of(view, x, y, c);
          n += 1;
          sum += level;
          squares += level * level;
        }
      }
      variance += (squares / n - sum / n * (sum / n)) / 3;
    }
    return std::floor(std::sqrt(std::max(variance, 0.0)) + 0.5);
  }
  double level_of(std::int64_t view, std::int64_t x, std::int64_t y, int c) const {
    return scene.images[3 * (view * Scene::kPixels + y * Scene::kWidth + x) + c];
  }
  // Footprints have their sides at 1 / 256 of a pixel.
  Seen observe(std::int64_t view, std::int64_t x, std::int64_t y, std::int64_t z, bool centrally) const {
    const double* m = scene.view_geometry(view);
    const double p[3] = {double(x) + 0.5, double(y) + 0.5, double(z) + 0.5};
    const double w = dot(m + 8, p) + m[11];
    const double place[2] = {(dot(m, p) + m[3]) / w, (dot(m + 4, p) + m[7]) / w};
    const double reach = (std::fabs(m[8]) + std::fabs(m[9]) + std::fabs(m[10])) / 2;
    const double size[2] = {double(Scene::kWidth), double(Scene::kHeight)};
    double low[2], high[2];
    for (int k = 0; k < 2; ++k) {
      const double half = std::max(m[24 + k] / w / 2, 0.5);
      low[k] = std::floor((place[k] - half) * 256) / 256;
      high[k] = std::floor((place[k] + half) * 256) / 256;
      if (low[k] < 0 || high[k] > size[k]) return {};
    }
    const auto sees = [&](std::int64_t column, std::int64_t row) {
      const Hit& hit = sights[view * Scene::kPixels + row * Scene::kWidth + column];
      const double depth = static_cast<float>(hit.depth);
      return depth >= w - reach && depth <= w + reach;
    };
    if (centrally && !sees(std::int64_t(place[0]), std::int64_t(place[1]))) return {};
    Seen seen{};
    for (std::int64_t row = 0; row < Scene::kHeight; ++row) {
      for (std::int64_t column = 0; column < Scene::kWidth; ++column) {
        const double across = std::min(high[0], double(column + 1)) - std::max(low[0], double(column));
        const double down = std::min(high[1], double(row + 1)) - std::max(low[1], double(row));
        if (across <= 0 || down <= 0 || !sees(column, row)) continue;
        seen.share += across * down;
        for (int c = 0; c < 3; ++c) seen.color[c] += across * down * level_of(view, column, row, c);
        seen.roughness += across * down * roughness(view, column, row);
      }
    }
    if (seen.share == 0) return seen;
    for (double& c : seen.color) c /= seen.share;
    seen.roughness /= seen.share;
    seen.share /= (high[0] - low[0]) * (high[1] - low[1]);
    return seen;
  }
  bool inconsistent(const Rule& rule, std::int64_t x, std::int64_t y, std::int64_t z) const {
    std::vector<Vec> colors;
    double rough = 0;
    for (std::int64_t view = 0; view < Scene::kViews; ++view) {
      const Seen seen = observe(view, x, y, z, true);
      if (seen.share == 0) continue;
      const double* gain = rule.gains + 3 * view;
      colors.push_back({gain[0] * seen.color[0], gain[1] * seen.color[1], gain[2] * seen.color[2]});
      rough += seen.roughness * seen.roughness;
    }
    const auto n = double(colors.size());
    if (static_cast<int>(colors.size()) < rule.min_views) return false;
    double variance = 0;
    for (int c = 0; c < 3; ++c) {
      double mean = 0;
      for (const Vec& color : colors) mean += color[c] / n;
      for (const Vec& color : colors) variance += (color[c] - mean) * (color[c] - mean) / (3 * (n - 1));
    }
    return variance > rule.threshold + rule.slack * rough / n;
  }
  // Voxels found inconsistent.
  std::int64_t round(const Rule& rule, bool hold) {
    Bytes marks(states.size(), 0);
    for (std::int64_t i = 0; i < scene.count(); ++i) {
      const std::int64_t x = i % scene.shape[2], y = i / scene.shape[2] % scene.shape[1],
                         z = i / scene.shape[2] / scene.shape[1];
      marks[i] = states[i] == 1 && exposed(x, y, z) && inconsistent(rule, x, y, z);
    }
    for (std::size_t pixel = 0; hold && pixel < scene.rays.size(); ++pixel) {
      bool all = sights[pixel].voxel >= 0;
      for (const Hit& hit : scene.rays[pixel]) all &= states[hit.voxel] == 0 || marks[hit.voxel] != 0;
      if (all) held_.push_back(sights[pixel].voxel);
    }
    for (const std::int64_t voxel : held_) states[voxel] = 2;
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (marks[i] && states[i] == 1) states[i] = 0;
    }
    look();
    return std::count(marks.begin(), marks.end(), 1);
  }

 private:
  std::vector<std::int64_t> held_;
};

// The kernels, in the order in which fastcv.voxels.space_carve calls them.
struct Carving {
  static constexpr std::int64_t kTiles = (Scene::kWidth + 7) / 8 * ((Scene::kHeight + 7) / 8);
  const Scene& scene;
  int threads;
  Bytes states, marks, tiles, changed, touched, touches;
  std::vector<std::int64_t> seen, counts;
  std::vector<float> depths;
  voxels::Photographs photos;

  Carving(const Scene& of, int num_threads)
      : scene(of),
        threads(num_threads),
        states(of.start()),
        marks(of.count(), 0),
        tiles(Scene::kViews * kTiles, 1),
        changed(tiles.size(), 1),
        touched((of.shape[0] + 7) / 8 * ((of.shape[1] + 7) / 8) * ((of.shape[2] + 7) / 8), 1),
        touches(touched.size(), 0),
        counts(of.shape[0]),
        depths(of.rays.size(), 0),
        photos{Scene::kViews, of.geometry.data(), of.layout.data(), of.pixels.data()} {
    for (const auto& ray : of.rays) seen.push_back(ray.empty() ? voxels::kNoVoxel : voxels::kNotCast);
    look();
    std::fill(changed.begin(), changed.end(), 1);
  }
  View<std::uint8_t, 3> grid() { return {states.data(), {scene.shape[0], scene.shape[1], scene.shape[2]}}; }
  View<const std::uint8_t, 3> fixed_grid() const {
    return {states.data(), {scene.shape[0], scene.shape[1], scene.shape[2]}};
  }
  void look() {
    std::fill(changed.begin(), changed.end(), 0);
    for (std::int64_t view = 0; view < Scene::kViews; ++view) {
      const std::int64_t first = view * Scene::kPixels;
      voxels::cast_rays(scene.view_geometry(view), fixed_grid(), {seen.data() + first, {Scene::kHeight, Scene::kWidth}},
                        depths.data() + first, tiles.data() + view * kTiles, changed.data() + view * kTiles, threads);
    }
  }
  std::int64_t round(const Rule& rule, bool hold) {
    std::fill(tiles.begin(), tiles.end(), 0);
    const voxels::Consistency consistency{rule.gains, rule.threshold, rule.slack, rule.min_views};
    voxels::judge_voxels(photos, consistency, depths.data(), fixed_grid(), changed.data(), touched.data(), marks.data(),
                         tiles.data(), counts.data(), threads);
    std::int64_t marked = 0;
    for (const std::int64_t count : counts) marked += count;
    for (std::int64_t view = 0; hold && view < Scene::kViews; ++view) {
      voxels::hold_rays(scene.view_geometry(view), grid(), marks.data(),
                        {seen.data() + view * Scene::kPixels, {Scene::kHeight, Scene::kWidth}},
                        tiles.data() + view * kTiles, threads);
    }
    std::fill(touches.begin(), touches.end(), 0);
    voxels::take_voxels(grid(), touched.data(), marks.data(), counts.data(), touches.data(), threads);
    touched.swap(touches);
    look();
    voxels::touch_blocks(photos, scene.shape, changed.data(), touched.data(), threads);
    return marked;
  }
};

// How many pixels see another voxel.
std::int64_t other_sights(const Reference& plain, const Carving& carving) {
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < plain.sights.size(); ++i) {
    wrong += plain.sights[i].voxel != std::max<std::int64_t>(carving.seen[i], -1) ||
             std::fabs(plain.sights[i].depth - double(carving.depths[i])) > 1e-5;
  }
  return wrong;
}

const Rule kRule = {
    {1, 1, 1, 1.1, 1, 0.95, 0.9, 1, 1, 1, 1.05, 1, 1, 1, 0.97, 1, 1.02, 1, 0.94, 1, 1, 1, 1, 1.03, 1, 1, 1},
    40,
    0.02,
    2};

}  // namespace

TEST_CASE("space carving equals a plain loop after every round, for every number of threads") {
  const Scene scene;
  for (const bool hold : {true, false}) {
    Reference plain(scene);
    std::vector<Carving> carvings;
    for (const int threads : {1, 2, 8}) carvings.emplace_back(scene, threads);
    std::int64_t rounds = 0, marked = 1;
    for (; marked != 0; ++rounds) {
      marked = plain.round(kRule, hold);
      for (Carving& carving : carvings) {
        CAPTURE(carving.threads);
        CAPTURE(rounds);
        REQUIRE(carving.round(kRule, hold) == marked);
        REQUIRE(carving.states == plain.states);
        REQUIRE(other_sights(plain, carving) == 0);
      }
    }
    CHECK(rounds > 4);
    const Bytes start = scene.start();
    const std::int64_t gone =
        std::count(plain.states.begin(), plain.states.end(), 0) - std::count(start.begin(), start.end(), 0);
    CHECK((std::count(plain.states.begin(), plain.states.end(), 2) > 20) == hold);
    CHECK(gone > 300);
    CHECK(gone < std::count(start.begin(), start.end(), 1) - 300);
  }
}

TEST_CASE("what views see of voxels equals the plain mean over footprints") {
  const Scene scene;
  Reference plain(scene);
  Carving carving(scene, 2);
  for (int i = 0; i < 2; ++i) {
    plain.round(kRule, true);
    carving.round(kRule, true);
  }
  std::vector<std::int64_t> all(scene.count());
  for (std::int64_t i = 0; i < scene.count(); ++i) all[i] = i;
  std::vector<float> colors(3 * Scene::kViews * scene.count()), shares(Scene::kViews * scene.count());
  voxels::observe_voxels(carving.photos, carving.depths.data(), scene.shape, {all.data(), {scene.count()}},
                         colors.data(), shares.data(), 2);
  double worst = 0;
  std::int64_t seen = 0;
  for (std::int64_t i = 0; i < scene.count(); ++i) {
    const std::int64_t x = i % scene.shape[2], y = i / scene.shape[2] % scene.shape[1],
                       z = i / scene.shape[2] / scene.shape[1];
    for (std::int64_t view = 0; view < Scene::kViews; ++view) {
      const Seen expected = plain.observe(view, x, y, z, false);
      const std::int64_t at = i * Scene::kViews + view;
      worst = std::max(worst, std::fabs(expected.share - double(shares[at])));
      for (int c = 0; c < 3; ++c) worst = std::max(worst, std::fabs(expected.color[c] - double(colors[3 * at + c])));
      seen += expected.share > 0;
    }
  }
  CHECK(worst < 1e-4);  // levels in float32
  CHECK(seen > 500);
}
