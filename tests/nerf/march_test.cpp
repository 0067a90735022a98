// SPDX-License-Identifier: Apache-2.0
// What a GPU does for one ray, one word and one node has the bits of what the CPU does for many.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "nerf/march.h"
#include "nerf/march.hd.h"
#include "nerf/occupancy.hd.h"

namespace fastcv {
namespace {

using nerf::MarchRays;
using nerf::MarchSamples;
using nerf::MarchSteps;
using nerf::OccupancyGrid;

constexpr int kResolution = 32, kLevels = 2, kNodes = kLevels * 8;

struct Bits {
  std::vector<std::uint64_t> nodes = std::vector<std::uint64_t>(kNodes);
  std::vector<std::uint64_t> words = std::vector<std::uint64_t>(64 * kNodes);
  float threshold = 0;
};

OccupancyGrid grid_of(const Bits& bits) {
  return {kResolution, kLevels, {0.5F, 0.25F, 0.5F}, {32, 64, 32}, bits.nodes.data(), bits.words.data()};
}

std::vector<float> random_density(std::mt19937& random) {
  std::vector<float> density(kLevels * kResolution * kResolution * kResolution);
  std::uniform_real_distribution<float> uniform(0, 1);
  for (float& d : density) d = uniform(random) < 0.05F ? 1.0F : 0.0F;
  for (int i = 0; i < 4000; ++i) density[random() % density.size() / 64 * 64 + i % 64] = 1.0F;
  return density;
}

TEST_CASE("bits of words and nodes") {
  std::mt19937 random(1);
  const std::vector<float> density = random_density(random);
  Bits many, single;
  nerf::occupancy_pack(grid_of(many), {density.data(), 0.5F, &many.threshold, many.nodes.data(), many.words.data()}, 2);
  single.threshold = many.threshold;
  const nerf::OccupancyBits bits{density.data(), 0.5F, &single.threshold, single.nodes.data(), single.words.data()};
  for (int level = 0; level < kLevels; ++level) {
    const generic::PackWord pack{grid_of(single), bits, level};
    for (std::int64_t i = 0; i < 64 * 8; ++i) pack(i);
  }
  for (std::int64_t i = 0; i < kNodes; ++i) generic::PackNode{bits}(i);
  CHECK(single.words == many.words);
  CHECK(single.nodes == many.nodes);
}

template <class Steps>
void check_rays(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps) {
  std::vector<std::int64_t> offsets(rays.count + 1);
  std::int64_t wanted = 0;
  const nerf::MarchRuns runs = nerf::march_count(grid, rays, steps, std::int64_t(1) << 40, offsets.data(), &wanted, 2);
  CHECK(wanted == offsets.back());
  CHECK(wanted > 1000);
  const auto size = static_cast<std::size_t>(wanted);
  std::vector<float> starts(size), ends(size), points(3 * size), its_starts(size), its_ends(size), its_points(3 * size);
  std::vector<std::int32_t> indices(size), its_indices(size);
  const MarchSamples samples{starts.data(), ends.data(), indices.data(), points.data()};
  nerf::march_fill(grid, rays, steps, runs, offsets.data(), samples, 2);
  const MarchSamples its_samples{its_starts.data(), its_ends.data(), its_indices.data(), its_points.data()};
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < rays.count; ++i) {
    CHECK(at == offsets[static_cast<std::size_t>(i)]);
    generic::Walk<Steps> walk(grid, rays, steps, i);
    Steps from = walk.steps;
    while (walk.steps.inside()) {
      walk.advance(grid, [&](std::int32_t mark, std::int32_t count) {
        from.seek(mark);
        generic::write_samples(grid, walk.ray, from, i, count, its_samples, at);
        at += count;
      });
    }
  }
  CHECK(at == wanted);
  CHECK(starts == its_starts);
  CHECK(ends == its_ends);
  CHECK(indices == its_indices);
  CHECK(points == its_points);
}

TEST_CASE("samples of rays") {
  std::mt19937 random(2);
  const std::vector<float> density = random_density(random);
  Bits bits;
  const OccupancyGrid grid = grid_of(bits);
  nerf::occupancy_pack(grid, {density.data(), 0.5F, &bits.threshold, bits.nodes.data(), bits.words.data()}, 1);
  constexpr std::int64_t kRays = 777;  // an odd number of lanes, the last one not full
  std::normal_distribution<float> normal;
  std::vector<float> origins(3 * kRays), directions(3 * kRays), near(kRays, 0.0F), far(kRays, HUGE_VALF);
  for (std::int64_t i = 0; i < kRays; ++i) {
    float length = 0;
    for (int axis = 0; axis < 3; ++axis) {
      float& d = directions[static_cast<std::size_t>(3 * i + axis)];
      origins[static_cast<std::size_t>(3 * i + axis)] = normal(random);
      d = 0.5F + 0.2F * normal(random) - origins[static_cast<std::size_t>(3 * i + axis)];
      length += d * d;
    }
    for (int axis = 0; axis < 3; ++axis) directions[static_cast<std::size_t>(3 * i + axis)] /= std::sqrt(length);
  }
  const MarchRays rays{origins.data(), directions.data(), near.data(), far.data(), kRays};
  check_rays<generic::EvenSteps<float>>(grid, rays, {0.01F, 0, 0.01F, true, 5, 0});
  check_rays<generic::GrowingSteps<float>>(grid, rays, {0.005F, 0.02F, 0.1F, true, 5, 9});
}

}  // namespace
}  // namespace fastcv
