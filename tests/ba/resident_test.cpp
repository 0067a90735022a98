// SPDX-License-Identifier: Apache-2.0
// Parts of the resident solver against Eigen, and a device without memory.
#include "ba/resident.h"

#include <doctest/doctest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/LU>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <new>
#include <random>
#include <thread>
#include <tuple>
#include <vector>

#include "../core/backwards_executor.h"
#include "core/host_executor.h"

using namespace fastcv;
using namespace fastcv::generic::ba;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

namespace {

// Eigenvalues from 1 to about 5, so that a result is good to a few roundings.
RowMajor positive_definite(std::int64_t n) {
  std::mt19937_64 random(n);
  std::normal_distribution<double> normal;
  const RowMajor b = RowMajor::NullaryExpr(n, n, [&] { return normal(random); });
  return RowMajor::Identity(n, n) + b * b.transpose() / static_cast<double>(n);
}

struct Threads : HostExecutor {
  Threads() : HostExecutor(2) {}
};

// Has room for so many arrays and no more.
struct SmallDevice : HostExecutor {
  explicit SmallDevice(int arrays) : HostExecutor(1), left(arrays) {}
  template <class T>
  Buffer<T> allocate(std::int64_t size) {
    if (left-- == 0) throw std::bad_alloc();
    return HostExecutor::allocate<T>(size);
  }
  int left;
};

}  // namespace

TEST_CASE_TEMPLATE("dense Cholesky by tiles", Executor, Threads, BackwardsExecutor) {
  const Executor on;
  for (const std::int64_t n : {32, 64, 96, 320}) {
    const RowMajor matrix = positive_definite(n);
    RowMajor values = matrix;
    double failed = 0;
    const DenseMatrix tiles{values.data(), n};
    factor(on, tiles, &failed);
    CHECK(failed == 0);
    const Eigen::MatrixXd l = matrix.llt().matrixL();
    CHECK((Eigen::MatrixXd(values.triangularView<Eigen::Lower>()) - l).cwiseAbs().maxCoeff() < 1e-13);
    const Eigen::VectorXd expected = Eigen::VectorXd::LinSpaced(n, -1, 2);
    Eigen::VectorXd x = matrix * expected;
    solve_factored(on, tiles, x.data());
    CHECK((x - expected).cwiseAbs().maxCoeff() < 1e-13);
  }
}

TEST_CASE("dense Cholesky notices what is not positive definite, in every tile") {
  const HostExecutor on(1);
  for (const std::int64_t bad : {0, 31, 32, 95}) {
    for (const double value : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
      RowMajor values = positive_definite(96);
      values.row(bad).setZero();
      values.col(bad).setZero();
      values(bad, bad) = value;
      double failed = 0;
      factor(on, DenseMatrix{values.data(), 96}, &failed);
      CHECK(failed == 1);
    }
  }
}

TEST_CASE_TEMPLATE("an identity below a matrix becomes the inverse of its factor", Executor, Threads,
                   BackwardsExecutor) {
  const Executor on;
  for (const std::int64_t n : {32, 64, 160}) {
    const RowMajor matrix = positive_definite(n);
    RowMajor values(2 * n, n);
    values << matrix, RowMajor::Identity(n, n);
    double failed = 0;
    factor(on, DenseMatrix{values.data(), n, true}, &failed);
    CHECK(failed == 0);
    const Eigen::MatrixXd l = matrix.llt().matrixL(), x = values.bottomRows(n);
    CHECK((Eigen::MatrixXd(values.topRows(n).triangularView<Eigen::Lower>()) - l).cwiseAbs().maxCoeff() < 1e-13);
    CHECK((x.transpose() * l - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff() < 1e-13);
    CHECK((x * x.transpose() - matrix.inverse()).cwiseAbs().maxCoeff() < 1e-13);
    CHECK(x.isUpperTriangular(0.0));
  }
}

TEST_CASE("modes that earlier ones imply become zero, the others orthonormal") {
  for (const int n : {1, 7, 24}) {
    RowMajor modes = positive_definite(40).leftCols(n);
    const Eigen::VectorXd metric = Eigen::VectorXd::LinSpaced(40, 1e-6, 1e3);
    const int dependent = n / 2;  // of one: none
    if (n > 1) modes.col(dependent) = 2 * modes.col(0) - 3 * modes.col(dependent - 1);
    RowMajor gram = modes.transpose() * metric.asDiagonal() * modes;
    orthonormalize(gram.data(), n);
    for (int i = 0; i < 40; ++i) combine_modes(gram.data(), n, modes.row(i).data());
    Eigen::MatrixXd expected = Eigen::MatrixXd::Identity(n, n);
    if (n > 1) expected(dependent, dependent) = 0;
    CHECK((modes.transpose() * metric.asDiagonal() * modes - expected).cwiseAbs().maxCoeff() < 1e-9);
    if (n > 1) CHECK(modes.col(dependent).isZero(0.0));
  }
}

TEST_CASE("small inverses in place") {
  constexpr int kStride = 25;
  for (int n = 1; n <= 24; ++n) {
    const RowMajor matrix = positive_definite(n), inverse = matrix.inverse();
    std::vector<double> block(n * kStride, 7);
    const Eigen::Map<RowMajor, 0, Eigen::OuterStride<kStride>> view(block.data(), n, n);
    Eigen::Map<RowMajor, 0, Eigen::OuterStride<kStride>>(block.data(), n, n) = matrix;
    CHECK(invert_positive_definite(block.data(), n, kStride));
    CHECK((view - inverse).cwiseAbs().maxCoeff() < 1e-13);
    Eigen::Map<RowMajor, 0, Eigen::OuterStride<kStride>>(block.data(), n, n) = matrix;
    block[(n - 1) * (kStride + 1)] = -1;
    CHECK(!invert_positive_definite(block.data(), n, kStride));
  }
}

TEST_CASE("a device without memory leaves the problem as it is") {
  const std::int32_t model = 0, image_cameras[] = {0, 0}, images[] = {0, 1}, points_of[] = {0, 0};
  const std::int64_t offsets[] = {0, 3};
  double poses[24] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, -1, 0, 1, 0, 0, 0, 0, 1, 0}, point[] = {0.5, 0, 4};
  double params[] = {500, 320, 240};
  const bool pose_free[12] = {}, point_free = true, params_free[3] = {};
  const double observations[4] = {}, weights[] = {1, 1};
  const fastcv::ba::Problem problem{{&model, {1}},        {offsets, {2}}, {params, {3}},    {params_free, {3}},
                                    {image_cameras, {2}}, {poses, 2},     {pose_free, 2},   {point, 1},
                                    {&point_free, {1}},   {images, {2}},  {points_of, {2}}, {observations, 2},
                                    {weights, {2}}};
  const fastcv::ba::Options options{"iterative_schur", fastcv::ba::Loss::none, 1, 50, 0, 0, 0, 1e9, 1};
  const auto solve_with = [&](int allocations) {
    SmallDevice on(allocations);
    const fastcv::ba::Callback callback;
    return generic::ba::solve_resident(on, problem, options, callback, std::chrono::steady_clock::now());
  };
  int needed = 0;
  for (; needed < 1000; ++needed) {
    try {
      solve_with(needed);
      break;
    } catch (const std::bad_alloc&) {
      CHECK(point[2] == 4);
    }
  }
  CHECK(needed > 10);
  CHECK(needed < 100);
  CHECK(point[0] != 0.5);  // and with enough of it, it is solved
}

namespace {

// A row of images before a cloud of points, two of them fixed, with a prior on every position and on some points; most
// share a SIMPLE_RADIAL camera, the others have PINHOLE cameras of their own.
struct Scene {
  static constexpr int kImages = 40, kPoints = 60;
  std::vector<std::int32_t> models, image_cameras, images, points_of, all_images, some_points;
  std::vector<std::int64_t> offsets{0};
  std::vector<double> params, poses, points, observations, weights, centers, known_points, whitening;
  bool params_free[4 * kImages] = {}, pose_free[6 * kImages] = {}, points_free[kPoints] = {};

  Scene() {
    std::mt19937_64 random(0);
    std::uniform_real_distribution<double> unit(-1, 1);
    for (int i = 0; i < 3 * kPoints; ++i) points.push_back(unit(random) + (i % 3 == 2 ? 6 : 0));
    for (int i = 0; i < kImages; ++i) {
      image_cameras.push_back(i % 6 != 1 ? 0 : static_cast<std::int32_t>(models.size()));
      if (i % 6 == 1 || i == 0) add_camera(i == 0 ? 2 : 1);
      const double x = 0.1 * i;
      poses.insert(poses.end(), {1, 0, 0, -x, 0, 1, 0, 0.1 * unit(random), 0, 0, 1, 0});
      all_images.push_back(i);
      centers.insert(centers.end(), {x, 0, 0});
      for (int c = 0; c < 6; ++c) pose_free[6 * i + c] = i > 1;
    }
    for (int p = 0; p < kPoints; ++p) {
      points_free[p] = p % 7 != 0;
      if (p % 5 == 0) {
        some_points.push_back(p);
        known_points.insert(known_points.end(), {points[3 * p], points[3 * p + 1] + 0.01, points[3 * p + 2]});
      }
      for (std::int32_t i = 0; i < kImages; ++i) {
        if (i > 1 && (std::abs(i - 2 * p / 3) > 6 || unit(random) < -0.6)) continue;  // some share no point
        images.push_back(i);
        points_of.push_back(p);
        const double x = points[3 * p] - 0.1 * i, y = points[3 * p + 1], z = points[3 * p + 2];
        observations.insert(observations.end(), {500 * x / z + 320 + unit(random), 500 * y / z + 240 + unit(random)});
        weights.push_back(1 + 0.5 * unit(random));
      }
    }
    for (int i = 0; i < kImages; ++i) whitening.insert(whitening.end(), {20, 0, 0, 0, 20, 0, 0, 0, 20});
  }

  void add_camera(std::int32_t model) {
    for (const double value :
         model == 2 ? std::vector<double>{500, 320, 240, 0.01} : std::vector<double>{500, 500, 320, 240}) {
      params_free[params.size()] = value != 320 && value != 240;
      params.push_back(value);
    }
    models.push_back(model);
    offsets.push_back(static_cast<std::int64_t>(params.size()));
  }

  fastcv::ba::Problem problem() {
    const auto size = [](const auto& values) { return static_cast<std::int64_t>(values.size()); };
    fastcv::ba::Problem problem{{models.data(), {size(models)}},
                                {offsets.data(), {size(offsets)}},
                                {params.data(), {size(params)}},
                                {params_free, {size(params)}},
                                {image_cameras.data(), {kImages}},
                                {poses.data(), kImages},
                                {pose_free, kImages},
                                {points.data(), kPoints},
                                {points_free, {kPoints}},
                                {images.data(), {size(images)}},
                                {points_of.data(), {size(images)}},
                                {observations.data(), size(images)},
                                {weights.data(), {size(images)}}};
    const fastcv::ba::RobustLoss cauchy{fastcv::ba::Loss::cauchy, 4};
    problem.position_priors = {
        {all_images.data(), {kImages}}, {centers.data(), {kImages, 3}}, {whitening.data(), {kImages, 3, 3}}, cauchy};
    const std::int64_t known = size(some_points);
    problem.point_priors = {
        {some_points.data(), {known}}, {known_points.data(), {known, 3}}, {whitening.data(), {known, 3, 3}}, cauchy};
    return problem;
  }
};

}  // namespace

TEST_CASE("threads and blocks in any order, and nothing read that was not written") {
  for (const char* linear_solver : {"dense_schur", "iterative_schur"}) {
    const fastcv::ba::Options options{linear_solver, fastcv::ba::Loss::huber, 1, 6, 0, 0, 0, 1e9, 2};
    Scene scene, backwards;
    Threads on;
    BackwardsExecutor backwards_on;
    const auto now = std::chrono::steady_clock::now();
    const fastcv::ba::Summary one = solve_resident(on, scene.problem(), options, {}, now);
    const fastcv::ba::Summary other = solve_resident(backwards_on, backwards.problem(), options, {}, now);
    CHECK(one.linear_solver == linear_solver);
    CHECK(one.iterations.size() == 7);
    CHECK(one.final_cost < 0.9 * one.initial_cost);
    CHECK(one.final_cost == other.final_cost);
    CHECK(scene.params == backwards.params);
    CHECK(scene.poses == backwards.poses);
    CHECK(scene.points == backwards.points);
  }
}

TEST_CASE("clusters grow to what their lists may hold, and points meet all of their clusters") {
  Scene scene;
  const fastcv::ba::Problem problem = scene.problem();
  const fastcv::ba::Arrangement arrangement(problem);
  const fastcv::ba::Equations& e = arrangement.equations();
  std::int64_t last_clusters = 100;
  for (const auto& [most_unknowns, most_pairs, expected] :
       {std::tuple{1e9, 1e9, 4}, {35.0, 1e9, 3}, {1e9, 70.0, 1}, {0.0, 0.0, 1}}) {
    const fastcv::ba::ClusterLists lists(problem, e, most_unknowns, most_pairs, 2);
    CHECK(lists.num_clusters <= last_clusters);
    last_clusters = lists.num_clusters;
    CHECK(lists.num_clusters == expected);
    CHECK(lists.columns == 9);         // two focal lengths
    CHECK(lists.frames.size() == 39);  // the second fixed image has a camera of its own
    const auto own = std::count_if(lists.places.begin(), lists.places.end(), [](std::int32_t p) { return p < 0; });
    CHECK(lists.unknowns.size() == 38 * 6 + own);
    std::vector<int> met(e.num_observations, 0);
    for (std::size_t m = 0; m < lists.meeting_points.size(); ++m) {
      for (std::int64_t i = lists.observations_begin[m]; i < lists.observations_begin[m + 1]; ++i) {
        ++met[lists.observations[i]];
        CHECK(e.points[lists.observations[i]] == lists.meeting_points[m]);
      }
    }
    for (std::int64_t k = 0; k < e.num_observations; ++k) CHECK(met[k] == (e.images[k] > 0));
    CHECK(lists.pairs->begin.back() >= static_cast<std::int64_t>(lists.meeting_points.size()));
  }
}

TEST_CASE("Ctrl-C after the last iteration does not tear the solution") {
  Scene scene;
  Threads on;
  const fastcv::ba::Options options{"iterative_schur", fastcv::ba::Loss::none, 1, 50, 0, 0, 0, 1e9, 2};
  const auto press = [](const fastcv::ba::Iteration& iteration) {
    if (iteration.iteration < 3) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(25));  // until the next poll asks
    fastcv::set_interrupt_poll([] { throw std::runtime_error("Ctrl-C"); });
    return false;
  };
  const auto now = std::chrono::steady_clock::now();
  const fastcv::ba::Summary summary = solve_resident(on, scene.problem(), options, press, now);
  fastcv::set_interrupt_poll(nullptr);
  CHECK(summary.termination == fastcv::ba::Termination::stopped);
  CHECK(summary.iterations.size() == 4);
}
