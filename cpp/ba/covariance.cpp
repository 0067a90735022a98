// SPDX-License-Identifier: Apache-2.0
// Source: Triggs et al. 1999, section 8.1; with S the reduced system, the block of point p is V⁻¹ + V⁻¹ Wᵀ S⁻¹ W V⁻¹.
#include "ba/covariance.h"

#include <Eigen/Core>
#include <algorithm>
#include <vector>

#include "ba/native.h"
#include "ba/undamped.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = 6;
using Point3 = Eigen::Matrix3d;
// V⁻¹ Bᵀ A of one observation.
using Influence = Eigen::Matrix<double, 3, Eigen::Dynamic, Eigen::RowMajor, 3, kMostColumns>;
using Block = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, kMostColumns, kMostColumns>;

Point3 symmetric(const double* v) {
  Point3 m;
  m << v[0], v[1], v[2], v[1], v[3], v[4], v[2], v[4], v[5];
  return m;
}

// The block (image, other), other <= image, as a matrix; the diagonal's lower triangle is the whole matter.
Block block_of(const SchurMatrix& matrix, std::int64_t image, std::int32_t other) {
  const int columns = matrix.columns();
  std::int64_t low = matrix.row_begin(image), high = matrix.row_begin(image + 1);
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (matrix.column(middle) <= other ? low : high) = middle;
  }
  const double* values = matrix.block(low);
  Block block(columns, columns);
  for (int r = 0; r < columns; ++r) {
    for (int c = 0; c < columns; ++c) {
      const bool mirrored = other == image && c > r;
      block(r, c) = values[mirrored ? block_index(columns, c, r) : block_index(columns, r, c)];
    }
  }
  return block;
}

void write_images(const Problem& problem, const Arrangement& arrangement, const SchurMatrix& inverse,
                  const Covariance& out) {
  const Lenses& lenses = arrangement.lenses();
  const int columns = inverse.columns();
  std::fill_n(out.params.data, out.params.size(), 0.0);
  std::vector<std::int64_t> begin(problem.num_cameras() + 1, 0);
  for (std::int64_t c = 0; c < problem.num_cameras(); ++c) {
    const std::int64_t size = problem.param_offsets(c + 1) - problem.param_offsets(c);
    begin[c + 1] = begin[c] + size * size;
  }
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    const Block block = block_of(inverse, i, static_cast<std::int32_t>(i));
    for (int r = 0; r < kPose; ++r) {
      for (int c = 0; c < kPose; ++c) out.poses[i][kPose * r + c] = block(r, c);
    }
    const std::int32_t camera = problem.image_cameras(i);  // images that share one agree
    const std::int64_t size = problem.param_offsets(camera + 1) - problem.param_offsets(camera);
    const std::uint8_t* free = lenses.free_params + std::int64_t(camera) * (columns - kPose);
    for (int r = 0; r < lenses.num_free[camera]; ++r) {
      for (int c = 0; c < lenses.num_free[camera]; ++c) {
        out.params(begin[camera] + free[r] * size + free[c]) = block(kPose + r, kPose + c);
      }
    }
  }
}

Point3 point_covariance(const Equations& e, const SchurMatrix& inverse, std::int64_t p) {
  const int columns = e.columns;
  const Point3 v = symmetric(e.point_inverse + 6 * p);
  Point3 sum = v;
  const std::int64_t begin = e.point_begin[p], end = e.point_begin[p + 1];
  std::vector<Influence> influences;
  for (std::int64_t k = begin; k < end; ++k) {
    using Jacobian = Eigen::Matrix<float, 2, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const Jacobian> a(e.jacobian + 2 * k * columns, 2, columns);
    const Eigen::Matrix<double, 2, Eigen::Dynamic> wide = a.cast<double>();
    influences.emplace_back(-v * wide.middleCols<3>(3).transpose() * wide);
  }
  for (std::int64_t k = begin; k < end; ++k) {
    if (!e.image_free[e.images[k]]) continue;
    for (std::int64_t other = begin; other <= k; ++other) {
      if (!e.image_free[e.images[other]]) continue;
      const Point3 part = influences[k - begin] * block_of(inverse, e.images[k], e.images[other]) *
                          influences[other - begin].transpose();
      sum += part;
      if (other != k) sum += part.transpose();
    }
  }
  return sum;
}

// Columns of the inverse, one solution for each unknown of a sensor.
void write_sensors(const Unknowns& unknowns, const Undamped& system, const Covariance& out) {
  for (std::int64_t s = 0; s < out.sensors.rows; ++s) {
    const std::int32_t* own = unknowns.of_sensor(s);
    std::fill_n(out.sensors[s], kPose * kPose, 0.0);
    for (int c = 0; c < kPose; ++c) {
      if (own[c] < 0) continue;
      std::vector<double> x(unknowns.count(), 0.0);
      x[own[c]] = 1;
      system.solve(x.data());
      for (int r = 0; r < kPose; ++r) out.sensors[s][kPose * r + c] = own[r] < 0 ? 0 : x[own[r]];
    }
  }
}

}  // namespace

void Native::covariance(const Covariance& out) {
  const Equations& e = arrangement_.equations();
  linearize();
  const Undamped system(arrangement_, unknowns_, hessians_.data(), options_.num_threads);
  const SchurMatrix& matrix = system.inverse();
  write_images(problem_, arrangement_, matrix, out);
  write_sensors(unknowns_, system, out);
  parallel_for(e.num_points, 256, options_.num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const Point3 sum = e.point_free[p] ? point_covariance(e, matrix, p) : Point3::Zero();
      for (int i = 0; i < 9; ++i) out.points[p][i] = sum(i / 3, i % 3);
    }
  });
}

void covariance(const Problem& problem, Loss loss, double loss_scale, const Covariance& out, int num_threads) {
  Options options{};
  options.linear_solver = "iterative_schur";  // the one that needs least preparation
  options.loss = loss;
  options.loss_scale = loss_scale;
  options.num_threads = num_threads;
  Native(problem, options).covariance(out);
}

}  // namespace fastcv::ba
