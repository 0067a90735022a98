// SPDX-License-Identifier: Apache-2.0
// The coarse space's correction, written out as a matrix.
#include "ba/coarse_space.h"

#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>

#include "random_system.h"

using namespace fastcv::ba;
using namespace fastcv::ba::testing;

namespace {

// The correction of the coarse space as a matrix.
Eigen::MatrixXd correction(const System& system, bool stored) {
  SchurMatrix schur(system.arrangement.equations());
  if (stored) {
    schur.fill(system.hessians.data(), System::kScale, 2);
  } else {
    schur.set(system.hessians.data(), System::kScale);
  }
  CoarseSpace coarse(system.arrangement.equations(), system.unknowns, schur);
  Eigen::MatrixXd of_threads[2];
  for (const int threads : {1, 3}) {
    REQUIRE(coarse.prepare(system.arrays.problem.frames().data, system.damping.data(), threads));
    Eigen::MatrixXd& c = of_threads[threads / 3];
    c = Eigen::MatrixXd::Zero(system.b.size(), system.b.size());
    const Eigen::MatrixXd unit = Eigen::MatrixXd::Identity(c.rows(), c.cols());
    for (Eigen::Index i = 0; i < c.cols(); ++i) coarse.add_correction(unit.col(i).data(), c.col(i).data());
  }
  CHECK(of_threads[0] == of_threads[1]);
  return of_threads[0];
}

}  // namespace

TEST_CASE("the coarse correction is the solution in a space of some modes a cluster") {
  for (const Shape& shape :
       {Shape{}, Shape{.num_cameras = 5}, Shape{.num_points = 200, .closures = 30, .fixed_images = 23},
        Shape{.num_images = 11, .num_cameras = 11}, Shape{.num_images = 25, .num_cameras = 25, .free_params = 16},
        Shape{.num_cameras = 3, .num_sensors = 3}}) {
    const System system(shape);
    const Eigen::MatrixXd c = correction(system, true);
    CHECK((correction(system, false) - c).norm() < 1e-10 * c.norm());
    CHECK((c - c.transpose()).norm() < 1e-12 * c.norm());
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(c);
    const double largest = eigen.eigenvalues().tail<1>()(0);
    CHECK(eigen.eigenvalues()(0) > -1e-12 * largest);
    // C S C = C: what lies in the space is solved exactly.
    CHECK((c * system.matrix * c - c).norm() < 1e-9 * c.norm());
    const auto rank = (eigen.eigenvalues().array() > 1e-9 * largest).count();
    const auto clusters = (system.unknowns.num_frames() - shape.fixed_images + 9) / 10;
    const int own = shape.num_cameras == shape.num_images ? shape.free_params : 0;
    CHECK(rank >= clusters * 4);
    CHECK(rank <= (clusters + 4) * (7 + own));
  }
}

// Turning, moving and growing the whole scene does so with every cluster.
TEST_CASE("a similarity of the scene lies in the coarse space") {
  System system({.num_cameras = 4});
  const Eigen::MatrixXd c = correction(system, true);
  for (int mode = 0; mode < 7; ++mode) {
    Eigen::Vector3d turn = Eigen::Vector3d::Zero(), shift = Eigen::Vector3d::Zero();
    if (mode < 3) turn(mode) = 1;
    if (mode >= 3 && mode < 6) shift(mode - 3) = 1;
    Eigen::VectorXd x = Eigen::VectorXd::Zero(system.b.size());
    for (std::int64_t i = 0; i < 60; ++i) {
      const Eigen::Map<const Eigen::Matrix<double, 3, 4, Eigen::RowMajor>> pose(system.arrays.poses.data() + 12 * i);
      const Eigen::Vector3d center = -pose.leftCols<3>().transpose() * pose.col(3);
      Eigen::Matrix<double, 6, 1> moved;
      moved << -pose.leftCols<3>() * turn, turn.cross(center) + shift + (mode == 6 ? center : Eigen::Vector3d::Zero());
      for (int r = 0; r < 6; ++r) {
        if (system.unknowns.of_image(i)[r] >= 0) x(system.unknowns.of_image(i)[r]) = moved(r);
      }
    }
    CHECK((c * system.matrix * x - x).norm() < 1e-9 * x.norm());
  }
}
