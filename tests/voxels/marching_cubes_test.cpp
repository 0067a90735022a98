// SPDX-License-Identifier: Apache-2.0
// A GPU's functors of marching cubes, run here, against the CPU's passes, on dense volumes and on blocks in disorder.
#include "voxels/marching_cubes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "voxels/block_neighbors.h"
#include "voxels/surface.hd.h"

using namespace fastcv;

namespace {

// Smooth noise with unknown samples of both kinds.
struct Field {
  std::int64_t shape[3];
  std::vector<float> values;
  std::vector<std::uint8_t> valid, colors;
  std::vector<std::int32_t> blocks, neighbors;

  Field(std::int64_t z, std::int64_t y, std::int64_t x) : shape{z, y, x} {
    std::mt19937 random(5);
    for (std::int64_t i = 0; i < z * y * x; ++i) {
      const double u = double(i % x), v = double(i / x % y), w = double(i / x / y);
      const double noise = double(random()) / 4294967296.0 - 0.5;
      values.push_back(static_cast<float>(std::sin(0.5 * u) + std::sin(0.6 * v) + std::sin(0.7 * w) + 0.8 * noise));
      if (random() % 300 == 0) values.back() = NAN;
      valid.push_back(random() % 200 != 0);
      for (int c = 0; c < 3; ++c) colors.push_back(static_cast<std::uint8_t>(random()));
    }
  }
  voxels::Samples dense() const {
    const std::int64_t count = ((shape[0] + 7) / 8) * ((shape[1] + 7) / 8) * ((shape[2] + 7) / 8);
    return {values.data(), valid.data(), colors.data(), 0.1F, {1, -2, 3}, 0.25, {shape[0], shape[1], shape[2]},
            count,         nullptr,      nullptr};
  }
  // The same numbers as samples of blocks that lie anywhere.
  voxels::Samples scattered() {
    const auto count = static_cast<std::int64_t>(values.size()) / 512;
    std::mt19937 random(6);
    for (std::int32_t i = 0; i < count; ++i) blocks.insert(blocks.end(), {i / 9 - 1, i / 3 % 3, i % 3 - 7});
    for (std::int64_t i = count - 1; i > 0; --i) {
      const std::int64_t j = random() % (i + 1);
      for (int k = 0; k < 3; ++k) std::swap(blocks[3 * i + k], blocks[3 * j + k]);
    }
    neighbors.assign(27 * count, -1);
    REQUIRE(voxels::block_neighbors({blocks.data(), {count, 3}}, neighbors.data(), 2));
    voxels::Samples samples = dense();
    samples.num_blocks = count;
    samples.blocks = blocks.data();
    samples.neighbors = neighbors.data();
    return samples;
  }
};

struct Result {
  std::vector<std::uint64_t> inside, known, cells, edges;
  std::vector<std::uint8_t> states, candidates, colors;
  std::vector<std::int64_t> totals;
  std::vector<float> vertices, normals;
  std::vector<std::int32_t> faces;
};

template <class Body>
void for_each(std::int64_t n, const Body& body) {
  for (std::int64_t i = 0; i < n; ++i) body(i);
}

Result run(const voxels::Samples& samples, bool as_on_gpu, int threads) {
  Result r;
  const std::int64_t n = samples.num_blocks;
  r.inside.assign(8 * n, 77);
  r.known.assign(8 * n, 77);
  r.states.assign(n, 77);
  r.candidates.assign(n, 77);
  const voxels::Signs signs{r.inside.data(), r.known.data(), r.states.data()};
  if (as_on_gpu) {
    for_each(64 * n, generic::ClassifyRow{samples, signs});
    for_each(n, generic::SettleSigns{signs});
    for_each(n, generic::FindCandidate{samples, r.states.data(), r.candidates.data()});
  } else {
    voxels::classify_samples(samples, signs, threads);
    voxels::find_candidates(samples, signs, r.candidates.data(), threads);
  }
  std::vector<std::int64_t> chosen;
  std::vector<std::int32_t> ranks(n, -1);
  for (std::int64_t i = 0; i < n; ++i) {
    if (!r.candidates[i]) continue;
    ranks[i] = static_cast<std::int32_t>(chosen.size());
    chosen.push_back(i);
  }
  const auto count = static_cast<std::int64_t>(chosen.size());
  r.cells.assign(8 * count, 77);
  r.edges.assign(24 * count, 77);
  r.totals.assign(2 * count, 77);
  std::vector<std::int32_t> vertex_starts(24 * count), triangle_starts(8 * count);
  const voxels::Surface surface{count,          chosen.data(),        ranks.data(),          r.cells.data(),
                                r.edges.data(), vertex_starts.data(), triangle_starts.data()};
  const voxels::CubeCases* cases = &voxels::kCubeCases;
  if (as_on_gpu) {
    for_each(count, generic::MarkCells{samples, signs, surface});
    for_each(count, generic::CountBlock{samples, signs, surface, cases, r.totals.data()});
  } else {
    voxels::mark_cells(samples, signs, surface, threads);
    voxels::count_surface(samples, signs, surface, r.totals.data(), threads);
  }
  std::vector<std::int64_t> first(2 * count);
  std::int64_t sums[2] = {0, 0};
  for (std::int64_t i = 0; i < 2 * count; ++i) {
    first[i] = sums[i % 2];
    sums[i % 2] += r.totals[i];
  }
  r.vertices.resize(3 * sums[0]);
  r.normals.resize(3 * sums[0]);
  r.colors.resize(3 * sums[0]);
  r.faces.assign(3 * sums[1], -1);
  const voxels::MeshArrays mesh{first.data(), r.vertices.data(), r.normals.data(), r.colors.data(), r.faces.data()};
  if (as_on_gpu) {
    for_each(8 * count, generic::EmitVertices{samples, signs, surface, mesh});
    for_each(8 * count, generic::EmitTriangles{samples, signs, surface, mesh, cases});
  } else {
    voxels::emit_surface(samples, signs, surface, mesh, threads);
  }
  return r;
}

void check_same(const Result& a, const Result& b) {
  CHECK(a.inside == b.inside);
  CHECK(a.known == b.known);
  CHECK(a.candidates == b.candidates);
  CHECK(a.cells == b.cells);
  CHECK(a.edges == b.edges);
  CHECK(a.totals == b.totals);
  CHECK(a.vertices == b.vertices);
  CHECK(a.normals == b.normals);
  CHECK(a.colors == b.colors);
  CHECK(a.faces == b.faces);
}

}  // namespace

TEST_CASE("a GPU's functors of marching cubes do what the CPU does") {
  Field field(24, 24, 24);
  SUBCASE("on a dense volume") {
    const Result cpu = run(field.dense(), false, 3);
    CHECK(cpu.faces.size() > 3000);
    check_same(cpu, run(field.dense(), true, 1));
    check_same(cpu, run(field.dense(), false, 1));
  }
  SUBCASE("on blocks") {
    const voxels::Samples samples = field.scattered();
    const Result cpu = run(samples, false, 3);
    CHECK(cpu.faces.size() > 3000);
    check_same(cpu, run(samples, true, 1));
  }
  SUBCASE("on a volume that is no whole number of blocks") {
    const Field odd(13, 21, 10);
    check_same(run(odd.dense(), false, 2), run(odd.dense(), true, 1));
  }
}

TEST_CASE("every vertex of marching cubes is a corner, and every corner a vertex") {
  const Field field(20, 17, 30);
  const Result r = run(field.dense(), false, 2);
  std::vector<int> uses(r.vertices.size() / 3, 0);
  for (std::int32_t vertex : r.faces) {
    REQUIRE(vertex >= 0);
    REQUIRE(vertex < static_cast<std::int32_t>(uses.size()));
    ++uses[vertex];
  }
  CHECK(*std::min_element(uses.begin(), uses.end()) > 0);
}

TEST_CASE("blocks that are there twice are found") {
  const std::vector<std::int32_t> blocks{0, 0, 0, 5, -3, 2, 0, 0, 0};
  std::vector<std::int32_t> neighbors(81, -1);
  CHECK_FALSE(voxels::block_neighbors({blocks.data(), {3, 3}}, neighbors.data(), 1));
}
