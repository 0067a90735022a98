// SPDX-License-Identifier: Apache-2.0
// The hash grid of single points, which GPUs run, has the bits of the blocks, with tangents and without.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "nerf/hash_grid_one.hd.h"
#include "nerf/transpose.h"

namespace fastcv {
namespace {

using nerf::GridIndexing;
using nerf::GridPoints;
using nerf::HashGrid;

constexpr std::int64_t kRows = 85;  // more than a tile of 64; no multiple of any vector's length

// A dense, a tiled, and two hashed levels, of which the last one is not active.
HashGrid make_grid(int dims, int features, bool smooth) {
  HashGrid grid{dims, features, 4, 3, smooth, {}};
  const std::int32_t vertices = dims == 2 ? 9 : dims == 3 ? 27 : 81;  // 3 along a side
  grid.levels[0] = {0, 2.0F, 3, (vertices + 7) / 8 * 8, GridIndexing::dense};
  grid.levels[1] = {grid.levels[0].size, 4.3F, 6, 13, GridIndexing::tiled};
  grid.levels[2] = {grid.levels[0].size + 13, 9.7F, 11, 32, GridIndexing::hashed};
  grid.levels[3] = {grid.levels[0].size + 45, 21.5F, 23, 32, GridIndexing::hashed};
  return grid;
}

template <class P>
std::vector<P> random_values(std::mt19937& random, std::int64_t size) {
  std::uniform_real_distribution<P> uniform(P(-0.2), P(1.2));  // points beside the box among them
  std::vector<P> values(static_cast<std::size_t>(size));
  for (P& value : values) value = uniform(random);
  return values;
}

template <class P>
bool same_bits(const std::vector<P>& a, const std::vector<P>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(P)) == 0;
}

// What points add to the table's gradient, kept until all is known: blocks take 16 points of a level together, and add
// for one corner of their cells after the other.
template <class P>
struct Additions {
  struct Addition {
    std::int64_t at;
    P value;
  };
  std::vector<Addition> list;

  void add_to(std::vector<P>& out, const HashGrid& grid) const {
    const int corners = 1 << grid.dims;
    for (int level = 0; level < grid.num_active; ++level) {
      for (std::int64_t first = 0; first < kRows; first += 16) {
        for (int c = 0; c < corners; ++c) {
          for (std::int64_t row = first; row < std::min(kRows, first + 16); ++row) {
            const auto* of_corner = list.data() + ((level * kRows + row) * corners + c) * grid.features;
            for (int k = 0; k < grid.features; ++k) out[of_corner[k].at] += of_corner[k].value;
          }
        }
      }
    }
  }
};
template <class P>
struct Keep {
  Additions<P>* additions;
  void operator()(std::int64_t at, P value) const { additions->list.push_back({at, value}); }
};

template <class P, class T>
void check_grid(const HashGrid& grid, const std::vector<T>& table, std::mt19937& random) {
  const std::int64_t entries = grid.levels[3].offset + grid.levels[3].size;
  auto points = random_values<P>(random, kRows * grid.dims);
  points[4] = P(__builtin_nanf(""));
  const auto tangents = random_values<P>(random, kRows * grid.dims);
  const auto grad = random_values<P>(random, kRows * grid.width());
  for (const P* along : {static_cast<const P*>(nullptr), tangents.data()}) {
    const GridPoints<P> p{points.data(), along, kRows};
    std::vector<P> features(grad.size()), by_points(points.size()), by_table(entries * grid.features);
    std::vector<P> expected(grad.size()), expected_points(points.size()), expected_table(by_table.size());
    nerf::hash_grid(grid, p, table.data(), features.data(), 2);
    nerf::hash_grid_points_vjp(grid, p, table.data(), grad.data(), by_points.data(), 2);
    nerf::hash_grid_table_vjp(grid, p, grad.data(), by_table.data(), entries, false, 2);
    generic::with_grid_element(grid, p, [&]<int D, class W>(const generic::GridElement<D, W, P>& element) {
      const generic::HashGridOne<D, W, P, T> one{element, table.data(), expected.data()};
      for (std::int64_t i = 0; i < kRows * grid.num_levels; ++i) one(static_cast<int>(i / kRows), i % kRows);
      const generic::HashGridPointsVjpOne<D, W, P, T> point{element, table.data(), grad.data(), expected_points.data()};
      for (std::int64_t i = 0; i < kRows; ++i) point(i);
      Additions<P> additions;
      const generic::HashGridTableVjpOne<D, W, P, Keep<P>> add{element, grad.data(), {&additions}};
      for (std::int64_t i = 0; i < kRows * grid.num_active; ++i) add(static_cast<int>(i / kRows), i % kRows);
      additions.add_to(expected_table, grid);
    });
    CHECK(same_bits(features, expected));
    CHECK(same_bits(by_points, expected_points));
    CHECK(same_bits(by_table, expected_table));
  }
}

TEST_CASE("the hash grid of points and of blocks") {
  std::mt19937 random(1);
  for (int dims = 2; dims <= 4; ++dims) {
    for (const int features : {1, 2, 4}) {
      const HashGrid grid = make_grid(dims, features, features == 2);
      const std::int64_t size = (grid.levels[3].offset + grid.levels[3].size) * features;
      std::vector<Half> half(static_cast<std::size_t>(size));
      for (Half& value : half) value.bits = static_cast<std::uint16_t>(random() % 0x7c00 | random() % 2 << 15);
      check_grid<float>(grid, random_values<float>(random, size), random);
      check_grid<float>(grid, half, random);
      check_grid<double>(grid, random_values<double>(random, size), random);
    }
  }
}

TEST_CASE("every number of half precision") {
  for (std::uint32_t bits = 0; bits < 1U << 16; ++bits) {
    const int exponent = int(bits >> 10 & 31), fraction = int(bits & 1023);
    const double sign = bits >> 15 ? -1 : 1;
    const float value = generic::to_float(Half{static_cast<std::uint16_t>(bits)});
    if (exponent == 31) {  // IEEE 754, table 3.3
      CHECK((fraction ? value != value : value == sign * double(__builtin_inff())));
    } else {
      const double expected = exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
      CHECK(double(value) == sign * expected);
    }
  }
}

TEST_CASE("transposing") {
  for (const std::int64_t rows : {0, 1, 4, 7, 33}) {
    for (const std::int64_t columns : {1, 3, 4, 18}) {
      std::vector<float> from(rows * (columns + 2)), to(columns * (rows + 1), -1.0F);
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = float(i);
      nerf::transpose(from.data(), rows, columns, columns + 2, to.data(), rows + 1);
      for (std::int64_t c = 0; c < columns; ++c) {
        for (std::int64_t r = 0; r < rows; ++r) CHECK(to[c * (rows + 1) + r] == from[r * (columns + 2) + c]);
        CHECK(to[c * (rows + 1) + rows] == -1.0F);
      }
      const std::int64_t pairs = columns / 2;
      std::fill(to.begin(), to.end(), -1.0F);
      to.resize(pairs * (2 * rows + 1), -1.0F);
      nerf::transpose_pairs(from.data(), rows, pairs, columns + 2, to.data(), 2 * rows + 1);
      for (std::int64_t c = 0; c < pairs; ++c) {
        for (std::int64_t i = 0; i < 2 * rows; ++i) {
          CHECK(to[c * (2 * rows + 1) + i] == from[i / 2 * (columns + 2) + 2 * c + i % 2]);
        }
        CHECK(to[c * (2 * rows + 1) + 2 * rows] == -1.0F);
      }
    }
  }
}

}  // namespace
}  // namespace fastcv
