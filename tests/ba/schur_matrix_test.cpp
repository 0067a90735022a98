// SPDX-License-Identifier: Apache-2.0
#include "ba/schur_matrix.h"

#include <doctest/doctest.h>

#include <set>
#include <utility>

#include "ba/resident_lists.h"
#include "random_system.h"

using namespace fastcv::ba;
using namespace fastcv::ba::testing;

// S x from the blocks on and below the diagonal.
TEST_CASE("the written-out system times a vector") {
  for (int free = 0; free <= 16; ++free) {
    const System system({.num_images = 24, .num_points = 100, .num_cameras = 24, .closures = 20, .free_params = free});
    SchurMatrix schur(system.arrangement.equations());
    schur.fill(system.hessians.data(), System::kScale, 1);
    const Eigen::Index size = system.arrangement.equations().num_images * schur.columns();
    Eigen::VectorXd x(size), y(size), again(size), product(system.b.size());
    system.unknowns.spread(system.b.data(), x.data());
    schur.multiply(x.data(), y.data(), 1);
    system.unknowns.gather(y.data(), product.data());
    const Eigen::VectorXd expected = system.matrix * system.b - 0.05 * system.b;
    CHECK((product - expected).norm() < 1e-12 * expected.norm());
    schur.multiply(x.data(), again.data(), 3);
    CHECK(again == y);
  }
}

TEST_CASE("pairs with a fixed image or of a fixed point are not computed") {
  for (const int fixed : {0, 20, 60}) {
    const System system(
        {.num_cameras = 60, .closures = 30, .free_params = 0, .fixed_images = fixed, .fixed_points = 150});
    const Equations& e = system.arrangement.equations();
    double pairs = 0;
    std::set<std::pair<int, int>> blocks;  // of different images
    for (std::int64_t k = 0; k < e.num_observations; ++k) {
      for (std::int64_t other = e.point_begin[e.points[k]]; other <= k; ++other) {
        if (e.points[k] < 150 || e.images[k] < fixed || e.images[other] < fixed) continue;
        ++pairs;
        if (other != k) blocks.emplace(e.images[k], e.images[other]);
      }
    }
    CHECK(system.arrangement.num_pairs() == pairs);
    CHECK(ObservationPairs(Incidence::of(e), 1).first.size() == pairs);
    const SchurMatrix schur(e);
    CHECK(schur.row_begin(e.num_images) == e.num_images + static_cast<std::int64_t>(blocks.size()));
  }
}
