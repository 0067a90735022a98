// SPDX-License-Identifier: Apache-2.0
// The reduced system's solvers against Eigen's dense one, on random Jacobians: chains of images with loop closures,
// shared intrinsics, fixed parts, every number of columns that has kernels.
#include <doctest/doctest.h>

#include <memory>

#include "ba/reduced_system.h"
#include "random_system.h"

using namespace fastcv::ba;
using namespace fastcv::ba::testing;

namespace {

ConjugateGradients make_gradients(const System& system, bool two_level) {
  auto matrix = two_level ? std::make_unique<SchurMatrix>(system.arrangement.equations()) : nullptr;
  return {system.arrangement, system.unknowns, system.priors, std::move(matrix)};
}

void check_gradients(const System& system, bool two_level) {
  ConjugateGradients gradients = make_gradients(system, two_level);
  Eigen::VectorXd previous;
  for (const int threads : {1, 3}) {
    REQUIRE(gradients.prepare(system.arrays.problem.frames().data, system.hessians.data(), System::kScale,
                              system.damping.data(), threads));
    Eigen::VectorXd x(system.b.size());
    const int iterations = gradients.solve(system.b.data(), system.damping.data(), 1e-18, 5000, x.data(), threads);
    CHECK(iterations < 5000);
    CHECK((x - system.x).norm() < 1e-7 * system.x.norm());
    if (threads > 1) CHECK(x == previous);
    previous = x;
  }
}

// Condition numbers are some 1e3: 1e-10 leaves room for the roundings of a few hundred columns. Returns whether the
// factor was one front.
bool check_solvers(const Shape& shape) {
  const System system(shape);
  SchurMatrix schur(system.arrangement.equations());
  SparseCholesky cholesky(schur, system.unknowns, kNoLimit);
  CHECK(cholesky.feasible());
  const Eigen::VectorXd one = system.factor_and_solve(cholesky, schur, 1);
  CHECK((one - system.x).norm() < 1e-10 * system.x.norm());
  for (const int threads : {2, 3, 8}) CHECK(system.factor_and_solve(cholesky, schur, threads) == one);
  if (cholesky.is_dense()) {
    SchurMatrix not_stored(system.arrangement.equations());
    not_stored.set(system.hessians.data(), System::kScale);
    for (const int threads : {1, 3}) {
      REQUIRE(cholesky.factor(not_stored, system.damping.data(), threads));
      Eigen::VectorXd solution = system.b;
      cholesky.solve(solution.data());
      CHECK(solution == one);
    }
  }

  for (const bool two_level : {false, true}) check_gradients(system, two_level);
  return cholesky.is_dense();
}

// E Σ Eᵀ for the blocks that the matrix has.
void check_inverse(const Shape& shape) {
  const System system(shape);
  SchurMatrix schur(system.arrangement.equations());
  SparseCholesky cholesky(schur, system.unknowns, kNoLimit);
  system.factor_and_solve(cholesky, schur, 1);
  cholesky.invert(schur);
  const Eigen::MatrixXd& e = system.columns_by_unknowns;
  const Eigen::MatrixXd expected = e * system.matrix.inverse() * e.transpose();
  const int columns = schur.columns();
  double error = 0;
  for (std::int64_t image = 0; image < schur.num_images(); ++image) {
    for (std::int64_t b = schur.row_begin(image); b < schur.row_begin(image + 1); ++b) {
      for (int r = 0; r < columns; ++r) {
        for (int c = 0; c < (schur.column(b) == image ? r + 1 : columns); ++c) {
          const double got = schur.block(b)[block_index(columns, r, c)];
          error = std::max(error, std::abs(got - expected(image * columns + r, schur.column(b) * columns + c)));
        }
      }
    }
  }
  CHECK(error < 1e-10 * expected.cwiseAbs().maxCoeff());
}

}  // namespace

TEST_CASE("a chain of images") { CHECK_FALSE(check_solvers({})); }

TEST_CASE("a band is factored as a band") {
  const Shape shape{.num_images = 400, .num_points = 4000, .num_cameras = 400, .reach = 30, .free_params = 0};
  const Arrays arrays(shape);
  const Arrangement arrangement(arrays.problem);
  const Unknowns unknowns(arrays.problem, arrangement.equations().columns);
  const SchurMatrix schur(arrangement.equations());
  const SparseCholesky cholesky(schur, unknowns, kNoLimit);
  const double width = 6 * (shape.reach + 1), columns = unknowns.count();
  CHECK(cholesky.num_flops() > 0.5 * columns * width * width);
  CHECK(cholesky.num_flops() < 2 * columns * width * width);  // dense: 40 times as many
}

TEST_CASE("a long chain with loop closures") {
  CHECK_FALSE(check_solvers({.num_images = 100, .num_points = 600, .num_cameras = 100, .closures = 25}));
}

TEST_CASE("all images see common points: one dense front") {
  CHECK(check_solvers({.num_images = 30, .num_points = 200, .num_cameras = 30, .reach = 28}));
}

TEST_CASE("shared intrinsics of one camera and of several") {
  for (const int cameras : {1, 2, 7}) {
    CHECK_FALSE(check_solvers({.num_images = 80, .num_points = 500, .num_cameras = cameras, .closures = 10}));
  }
}

TEST_CASE("fixed images and points") {
  check_solvers({.num_cameras = 60, .fixed_images = 20, .fixed_points = 150});
  check_solvers({.num_cameras = 5, .fixed_images = 20, .fixed_points = 150});
  check_solvers({.num_cameras = 3, .fixed_images = 60, .fixed_points = 400});  // intrinsics alone
}

TEST_CASE("two halves that share no point") { CHECK_FALSE(check_solvers({.two_halves = true})); }

TEST_CASE("rigs: frames and sensors behind the images' columns") {
  for (const int sensors : {1, 2, 5}) {
    const Shape shape{
        .num_images = 80, .num_points = 700, .num_cameras = sensors + 1, .closures = 10, .num_sensors = sensors};
    CHECK_FALSE(check_solvers(shape));
    Shape own = shape;  // intrinsics for each image
    own.num_cameras = 80;
    check_solvers(own);
    check_inverse(shape);
  }
}

TEST_CASE("the inverse, by blocks of images") {
  check_inverse({});
  check_inverse({.num_images = 40, .num_points = 500, .num_cameras = 3, .closures = 10});
}

TEST_CASE("every number of free intrinsics") {
  for (int free = 0; free <= 16; ++free) {
    check_solvers({.num_images = 16, .num_points = 150, .num_cameras = 16, .free_params = free});
    check_solvers({.num_images = 16, .num_points = 150, .num_cameras = 4, .free_params = free});
  }
}

TEST_CASE("a system that is not positive definite is refused, and the next one is solved") {
  for (const int closures : {0, 40}) {
    const System system({.closures = closures});
    SchurMatrix schur(system.arrangement.equations());
    SparseCholesky cholesky(schur, system.unknowns, kNoLimit);
    const Eigen::VectorXd before = system.factor_and_solve(cholesky, schur, 2);
    for (const std::int32_t wrong : {0, system.unknowns.count() / 2, system.unknowns.count() - 1}) {
      std::vector<double> damping = system.damping;
      damping[wrong] = -1e6;
      for (const int threads : {1, 3}) CHECK_FALSE(cholesky.factor(schur, damping.data(), threads));
      ConjugateGradients gradients = make_gradients(system, closures == 0);
      CHECK_FALSE(gradients.prepare(system.arrays.problem.frames().data, system.hessians.data(), System::kScale,
                                    damping.data(), 1));
      CHECK(system.factor_and_solve(cholesky, schur, 2) == before);
    }
  }
}

TEST_CASE("conjugate gradients that start at the solution say so") {
  const System system({.num_images = 10, .num_points = 50, .num_cameras = 10});
  ConjugateGradients gradients = make_gradients(system, true);
  REQUIRE(gradients.prepare(system.arrays.problem.frames().data, system.hessians.data(), System::kScale,
                            system.damping.data(), 1));
  std::vector<double> zero(system.unknowns.count(), 0), x(zero.size(), 1);
  CHECK(gradients.solve(zero.data(), system.damping.data(), 0.1, 100, x.data(), 1) == 1);
  CHECK(x == zero);
}

TEST_CASE("exact steps where they are estimated to cost less") {
  const auto chosen = [](const Shape& shape) {
    const Arrays arrays(shape);
    const Arrangement arrangement(arrays.problem);
    const int columns = arrangement.equations().columns;
    const Unknowns unknowns(arrays.problem, columns);
    const ImagePriors priors(arrays.problem, arrangement.lenses(), columns);
    return ReducedSystem(arrangement, unknowns, priors, "").linear_solver();
  };
  CHECK(chosen({.num_images = 30, .num_points = 200, .num_cameras = 30, .reach = 28}) == "dense_schur");
  CHECK(chosen({.num_images = 600, .num_points = 6000, .num_cameras = 600}) == "sparse_schur");
  CHECK(chosen({.num_images = 600, .num_points = 6000, .num_cameras = 600, .reach = 40}) == "iterative_schur");
  // On few images exact steps begin bolder.
  CHECK(chosen({.num_images = 400, .num_points = 4000, .num_cameras = 400, .reach = 40}) == "sparse_schur");
}

TEST_CASE("a factor with more entries than allowed is not planned") {
  const System system({.closures = 40});
  SchurMatrix schur(system.arrangement.equations());
  CHECK_FALSE(SparseCholesky(schur, system.unknowns, 1000).feasible());
  CHECK(Elimination(schur, system.unknowns, 1000).position.empty());  // nor ordered: the matrix has more
  const Elimination order(schur, system.unknowns, kNoLimit);
  std::int64_t entries = 0;
  for (std::int32_t j = 0; j < order.size(); ++j) {
    const std::int64_t width = system.unknowns.node_size(order.node_at[j]);
    entries += width * width;
    for (const std::int32_t i : order.below[j]) entries += width * system.unknowns.node_size(order.node_at[i]);
  }
  CHECK(Elimination(schur, system.unknowns, entries).feasible);
  const Elimination refused(schur, system.unknowns, entries - 1);
  CHECK_FALSE(refused.feasible);
  CHECK_FALSE(refused.position.empty());
}
