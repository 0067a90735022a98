// SPDX-License-Identifier: Apache-2.0
// Random Jacobians of chains of images with loop closures, as the kernels read them and as a dense system.
#pragma once

#include <doctest/doctest.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Geometry>
#include <Eigen/LU>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "ba/arrangement.h"
#include "ba/priors.h"
#include "ba/sparse_cholesky.h"
#include "ba/unknowns.h"

namespace fastcv::ba::testing {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

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

}  // namespace fastcv::ba::testing
