// SPDX-License-Identifier: Apache-2.0
// The reduced system's solvers against Eigen's dense one, on random Jacobians: chains of images with loop closures,
// shared intrinsics, fixed parts, every number of columns that has kernels.
#include <doctest/doctest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <Eigen/Geometry>
#include <Eigen/LU>
#include <limits>
#include <random>

#include "ba/conjugate_gradients.h"
#include "ba/sparse_cholesky.h"

using namespace fastcv;
using namespace fastcv::ba;

namespace {

struct Shape {
  int num_images = 60, num_points = 400, num_cameras = 60;
  int reach = 3;         // images after the first that see a point
  int closures = 0;      // points that any two images see
  int free_params = 3;   // of a camera's 16
  int fixed_images = 0;  // of which the poses stay
  int fixed_points = 0;
  bool two_halves = false;  // that share no point
  int num_sensors = 0;      // beside the reference: so many images and one more are a frame, as far as they go
};

// Owns the arrays of a problem; the values of poses, points and observations play no part here.
struct Arrays {
  std::vector<std::int32_t> models, image_cameras, image_indices, point_indices;
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> frames, sensors;
  std::vector<double> params, poses, points, observations, weights, frame_poses, sensor_poses;
  std::unique_ptr<bool[]> params_free, pose_free, points_free, sensor_free;
  Problem problem{};

  explicit Arrays(const Shape& s) {
    std::mt19937_64 random(s.num_images + 1000 * s.free_params);
    const auto below = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
    const int images = s.num_images, count = s.num_points;
    models.assign(s.num_cameras, 0);
    for (int c = 0; c < s.num_cameras; ++c) offsets.push_back(16 * (c + 1));
    params.assign(16 * s.num_cameras, 0);
    params_free = std::make_unique<bool[]>(params.size());
    for (std::size_t i = 0; i < params.size(); ++i) params_free[i] = static_cast<int>(i % 16) < s.free_params;
    for (int i = 0; i < images; ++i) image_cameras.push_back(i % s.num_cameras);
    pose_free = std::make_unique<bool[]>(6 * images);
    for (int i = 0; i < 6 * images; ++i) pose_free[i] = i >= 6 * s.fixed_images && i % 31 != 4;
    points_free = std::make_unique<bool[]>(count);
    for (int p = 0; p < count; ++p) points_free[p] = p >= s.fixed_points;
    for (int p = 0; p < count; ++p) {
      const int half = images / 2, span = s.two_halves ? half : images, from = s.two_halves && p % 2 ? half : 0;
      std::vector<int> seen;
      const int first = below(span - s.reach);
      for (int i = first; i <= first + s.reach; ++i) seen.push_back(from + i);
      if (p < s.closures) seen = {below(images / 2), images / 2 + below(images - images / 2)};
      for (const int i : seen) {
        image_indices.push_back(i);
        point_indices.push_back(p);
      }
    }
    const auto observed = static_cast<std::int64_t>(image_indices.size());
    for (int i = 0; i < images; ++i) {  // along a bend, turning
      const Eigen::Matrix3d r =
          Eigen::AngleAxisd(0.7 * i, Eigen::Vector3d(1, i % 5, 2).normalized()).toRotationMatrix();
      const Eigen::Vector3d t = -r * Eigen::Vector3d(0.5 * i, 0.01 * i * i, i % 7);
      for (int k = 0; k < 3; ++k) poses.insert(poses.end(), {r(k, 0), r(k, 1), r(k, 2), t(k)});
    }
    points.assign(3 * count, 0);
    observations.assign(2 * observed, 0);
    weights.assign(observed, 1);
    problem = {{models.data(), {s.num_cameras}},
               {offsets.data(), {s.num_cameras + 1}},
               {params.data(), {16 * s.num_cameras}},
               {params_free.get(), {16 * s.num_cameras}},
               {image_cameras.data(), {images}},
               {poses.data(), images},
               {pose_free.get(), images},
               {points.data(), count},
               {points_free.get(), {count}},
               {image_indices.data(), {observed}},
               {point_indices.data(), {observed}},
               {observations.data(), observed},
               {weights.data(), {observed}}};
    if (s.num_sensors > 0) add_rigs(s.num_sensors, random);
  }

  // Every third image of the last sensor is in no rig.
  void add_rigs(int num_sensors, std::mt19937_64& random) {
    const auto count = static_cast<std::int64_t>(image_cameras.size());
    std::int32_t next = -1;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto sensor = static_cast<std::int32_t>(i % (num_sensors + 1)) - 1;
      const bool alone = sensor == num_sensors - 1 && i % 3 == 0;
      if (sensor < 0) ++next;
      frames.push_back(alone ? -1 : next);
      sensors.push_back(alone ? -1 : sensor);
    }
    for (std::int32_t& frame : frames) frame = frame < 0 ? ++next : frame;
    const std::int64_t num_frames = next + 1;
    frame_poses = random_poses(num_frames, random);
    sensor_poses = random_poses(num_sensors, random);
    sensor_free = std::make_unique<bool[]>(6 * num_sensors);
    for (int i = 0; i < 6 * num_sensors; ++i) sensor_free[i] = i % 7 != 3;
    problem.pose_free.rows = num_frames;
    problem.rigs = {{frames.data(), {count}},
                    {sensors.data(), {count}},
                    {frame_poses.data(), num_frames},
                    {sensor_poses.data(), num_sensors},
                    {sensor_free.get(), num_sensors}};
  }

  static std::vector<double> random_poses(std::int64_t count, std::mt19937_64& random) {
    std::normal_distribution<double> normal;
    std::vector<double> poses(12 * count);
    for (std::int64_t i = 0; i < count; ++i) {
      const Eigen::Quaterniond turn(normal(random), normal(random), normal(random), normal(random));
      Eigen::Map<Eigen::Matrix<double, 3, 4, Eigen::RowMajor>> pose(poses.data() + 12 * i);
      pose.leftCols<3>() = turn.normalized().toRotationMatrix();
      pose.col(3) = Eigen::Vector3d(normal(random), normal(random), normal(random));
    }
    return poses;
  }
};

// Random equations, as the kernels read them and as dense matrices.
struct System {
  static constexpr double kScale = 1.01;
  Arrays arrays;
  Arrangement arrangement;
  Unknowns unknowns;
  ImagePriors priors;  // none
  std::vector<double> hessians, damping;
  Eigen::MatrixXd columns_by_unknowns;  // of all images
  Eigen::MatrixXd matrix;               // S + damping
  Eigen::VectorXd b, x;

  explicit System(const Shape& shape)
      : arrays(shape),
        arrangement(arrays.problem),
        unknowns(arrays.problem, arrangement.equations().columns),
        priors(arrays.problem, arrangement.lenses(), arrangement.equations().columns),
        damping(unknowns.count(), 0.05) {
    const Equations& e = arrangement.equations();
    std::mt19937_64 random(7);
    std::normal_distribution<double> normal;
    const std::int64_t n = unknowns.count();
    Eigen::MatrixXd a = Eigen::MatrixXd::Zero(2 * e.num_observations, n);
    columns_by_unknowns.resize(e.num_images * e.columns, n);
    for (std::int64_t u = 0; u < n; ++u) {
      const Eigen::VectorXd unit = Eigen::VectorXd::Unit(n, u);
      unknowns.spread(unit.data(), columns_by_unknowns.col(u).data());
    }
    hessians.assign(e.num_images * e.columns * e.columns, 0);
    for (std::int64_t k = 0; k < e.num_observations; ++k) {
      const std::int32_t image = e.images[k];
      const int used = 6 + arrangement.lenses().num_free[arrays.image_cameras[image]];
      for (int r = 0; r < 2; ++r) {
        float* row = e.jacobian + (2 * k + r) * e.columns;
        for (int c = 0; c < e.columns; ++c) {
          row[c] = c < used ? static_cast<float>(normal(random)) : 0.F;
          a.row(2 * k + r) += row[c] * columns_by_unknowns.row(image * e.columns + c);
        }
      }
    }
    add_hessians();
    matrix = kScale * a.transpose() * a;
    for (std::int64_t p = 0; p < e.num_points; ++p) eliminate(p, a);
    for (std::int64_t i = 0; i < n; ++i) matrix(i, i) += damping[i];
    b = Eigen::VectorXd::NullaryExpr(n, [&] { return normal(random); });
    x = matrix.llt().solve(b);
  }

  // U of each image for the kernels.
  void add_hessians() {
    const Equations& e = arrangement.equations();
    const int columns = e.columns;
    for (std::int64_t k = 0; k < 2 * e.num_observations; ++k) {
      const std::int32_t image = e.images[k / 2];
      const float* row = e.jacobian + k * columns;
      for (int i = 0; i < columns; ++i) {
        for (int j = 0; j < columns; ++j) {
          const double product = double(row[i]) * row[j];
          hessians[image * columns * columns + block_index(columns, i, j)] += product;
        }
      }
    }
  }

  void eliminate(std::int64_t p, const Eigen::MatrixXd& a) {
    const Equations& e = arrangement.equations();
    const std::int64_t first = e.point_begin[p], count = e.point_begin[p + 1] - first;
    Eigen::MatrixXd by_point(2 * count, 3);
    for (std::int64_t k = 0; k < 2 * count; ++k) {
      for (int c = 0; c < 3; ++c) by_point(k, c) = -e.jacobian[(2 * first + k) * e.columns + 3 + c];
    }
    Eigen::Matrix3d inverse = (by_point.transpose() * by_point + 0.1 * Eigen::Matrix3d::Identity()).inverse();
    if (!e.point_free[p]) inverse.setZero();
    const int at[6][2] = {{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}};
    for (int i = 0; i < 6; ++i) e.point_inverse[6 * p + i] = inverse(at[i][0], at[i][1]);
    const Eigen::MatrixXd w = a.middleRows(2 * first, 2 * count).transpose() * by_point;
    matrix -= w * inverse * w.transpose();
  }

  Eigen::VectorXd factor_and_solve(SparseCholesky& cholesky, SchurMatrix& schur, int num_threads) const {
    schur.fill(hessians.data(), kScale, num_threads);
    REQUIRE(cholesky.factor(schur, damping.data(), num_threads));
    Eigen::VectorXd solution = b;
    cholesky.solve(solution.data());
    return solution;
  }
};

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

void check_gradients(const System& system, bool two_level) {
  ConjugateGradients gradients(system.arrangement, system.unknowns, system.priors, two_level);
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
  CHECK_FALSE(check_solvers({.num_images = 150, .num_points = 900, .num_cameras = 150, .closures = 40}));
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
    check_solvers({.num_images = 30, .num_points = 400, .num_cameras = 30, .free_params = free});
    check_solvers({.num_images = 30, .num_points = 400, .num_cameras = 4, .free_params = free});
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
      ConjugateGradients gradients(system.arrangement, system.unknowns, system.priors, closures == 0);
      CHECK_FALSE(gradients.prepare(system.arrays.problem.frames().data, system.hessians.data(), System::kScale,
                                    damping.data(), 1));
      CHECK(system.factor_and_solve(cholesky, schur, 2) == before);
    }
  }
}

TEST_CASE("conjugate gradients that start at the solution say so") {
  const System system({.num_images = 10, .num_points = 50, .num_cameras = 10});
  ConjugateGradients gradients(system.arrangement, system.unknowns, system.priors, true);
  REQUIRE(gradients.prepare(system.arrays.problem.frames().data, system.hessians.data(), System::kScale,
                            system.damping.data(), 1));
  std::vector<double> zero(system.unknowns.count(), 0), x(zero.size(), 1);
  CHECK(gradients.solve(zero.data(), system.damping.data(), 0.1, 100, x.data(), 1) == 1);
  CHECK(x == zero);
}

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

TEST_CASE("a factor with more entries than allowed is not planned") {
  const System system({});
  SchurMatrix schur(system.arrangement.equations());
  CHECK_FALSE(SparseCholesky(schur, system.unknowns, 1000).feasible());
}
