// SPDX-License-Identifier: Apache-2.0
// The work of one track.
#pragma once

#include <cmath>

#include "core/view.h"

namespace fastcv::FASTCV_ISA {

// Tracks in compressed rows: observation k of track i is row point_offsets[i] + k of points2D (normalised x, y) and of
// image_indices, which points into cam_from_world.
struct Tracks {
  Rows<const double, 2> points2D;
  const std::int32_t* image_indices;
  const std::int64_t* point_offsets;
  Rows<const double, 12> cam_from_world;

  // R of the observation's camera by rows with the translation as last column.
  FASTCV_HD const double* pose(std::int64_t observation) const { return cam_from_world[image_indices[observation]]; }
};

// Symmetric 3x3 system A x = b, accumulated as sums.
struct Normal3 {
  double a00 = 0.0, a01 = 0.0, a02 = 0.0, a11 = 0.0, a12 = 0.0, a22 = 0.0, b[3] = {0.0, 0.0, 0.0};

  // Adds the equation row · x = value.
  FASTCV_HD void add(double x, double y, double z, double value) {
    a00 += x * x, a01 += x * y, a02 += x * z, a11 += y * y, a12 += y * z, a22 += z * z;
    b[0] += x * value, b[1] += y * value, b[2] += z * value;
  }

  // Cholesky; false where the matrix is not positive definite to working precision.
  FASTCV_HD bool solve(double* x) const {
    const double floor = 1e-15 * (a00 + a11 + a22);
    if (!(a00 > floor)) return false;
    const double l10 = a01 / a00, l20 = a02 / a00;
    const double d1 = a11 - l10 * a01;
    if (!(d1 > floor)) return false;
    const double e = a12 - l20 * a01, l21 = e / d1;
    const double d2 = a22 - l20 * a02 - l21 * e;
    if (!(d2 > floor)) return false;
    const double y1 = b[1] - l10 * b[0], y2 = b[2] - l20 * b[0] - l21 * y1;
    x[2] = y2 / d2;
    x[1] = y1 / d1 - l21 * x[2];
    x[0] = b[0] / a00 - l10 * x[1] - l20 * x[2];
    return true;
  }
};

// The point nearest to all rays, then Gauss-Newton on the reprojection error in the normalised image plane. NaN for a
// track with fewer than two observations, or with parallel rays only.
struct TriangulateOne {
  Tracks tracks;
  int refine_steps;
  Rows<double, 3> xyz;

  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t begin = tracks.point_offsets[i], end = tracks.point_offsets[i + 1];
    double* x = xyz[i];
    if (end - begin < 2 || !nearest(begin, end, x)) {
      x[0] = x[1] = x[2] = NAN;
      return;
    }
    double error = squared_error(begin, end, x);
    for (int step = 0; step < refine_steps; ++step) {
      double trial[3];
      if (!gauss_newton(begin, end, x, trial)) return;
      const double trial_error = squared_error(begin, end, trial);
      if (!(trial_error < error)) return;
      error = trial_error;
      for (int k = 0; k < 3; ++k) x[k] = trial[k];
    }
  }

 private:
  // Least distances to the rays: (I - d dᵀ)(x - c) = 0 for each, with d the unit direction and c the camera's centre.
  // The rows are those of R crossed with the ray, which needs no centre: (d ×)(R x + t) = 0.
  FASTCV_HD bool nearest(std::int64_t begin, std::int64_t end, double* x) const {
    Normal3 normal;
    for (std::int64_t k = begin; k < end; ++k) {
      const double* p = tracks.pose(k);
      const double u = tracks.points2D[k][0], v = tracks.points2D[k][1];
      const double s = 1.0 / std::sqrt(u * u + v * v + 1.0);
      const double d[3] = {u * s, v * s, s};
      for (int row = 0; row < 3; ++row) {
        const double a = d[(row + 1) % 3], b = d[(row + 2) % 3];
        const double *first = p + 4 * ((row + 2) % 3), *second = p + 4 * ((row + 1) % 3);
        normal.add(a * first[0] - b * second[0], a * first[1] - b * second[1], a * first[2] - b * second[2],
                   b * second[3] - a * first[3]);
      }
    }
    return normal.solve(x);
  }

  FASTCV_HD double squared_error(std::int64_t begin, std::int64_t end, const double* x) const {
    double sum = 0.0;
    for (std::int64_t k = begin; k < end; ++k) {
      const double* p = tracks.pose(k);
      const double z = p[8] * x[0] + p[9] * x[1] + p[10] * x[2] + p[11];
      const double du = (p[0] * x[0] + p[1] * x[1] + p[2] * x[2] + p[3]) / z - tracks.points2D[k][0];
      const double dv = (p[4] * x[0] + p[5] * x[1] + p[6] * x[2] + p[7]) / z - tracks.points2D[k][1];
      sum += du * du + dv * dv;
    }
    return sum;
  }

  FASTCV_HD bool gauss_newton(std::int64_t begin, std::int64_t end, const double* x, double* next) const {
    Normal3 normal;
    for (std::int64_t k = begin; k < end; ++k) {
      const double* p = tracks.pose(k);
      const double inv_z = 1.0 / (p[8] * x[0] + p[9] * x[1] + p[10] * x[2] + p[11]);
      const double u = (p[0] * x[0] + p[1] * x[1] + p[2] * x[2] + p[3]) * inv_z;
      const double v = (p[4] * x[0] + p[5] * x[1] + p[6] * x[2] + p[7]) * inv_z;
      normal.add((p[0] - u * p[8]) * inv_z, (p[1] - u * p[9]) * inv_z, (p[2] - u * p[10]) * inv_z,
                 tracks.points2D[k][0] - u);
      normal.add((p[4] - v * p[8]) * inv_z, (p[5] - v * p[9]) * inv_z, (p[6] - v * p[10]) * inv_z,
                 tracks.points2D[k][1] - v);
    }
    double delta[3];
    if (!normal.solve(delta)) return false;
    for (int k = 0; k < 3; ++k) next[k] = x[k] + delta[k];
    return true;
  }
};

// The largest angle between two of a track's rays as lines: π/2 is the best, 0 leaves the depth open (also where two
// cameras face each other).
struct TriangulationAngleOne {
  Rows<const double, 3> xyz, centers;
  const std::int32_t* image_indices;
  const std::int64_t* point_offsets;
  double* angles;

  FASTCV_HD void operator()(std::int64_t i) const {
    double largest = 0.0;
    for (std::int64_t k = point_offsets[i]; k < point_offsets[i + 1]; ++k) {
      for (std::int64_t m = k + 1; m < point_offsets[i + 1]; ++m) {
        const double angle = between(centers[image_indices[k]], centers[image_indices[m]], xyz[i]);
        largest = angle <= largest ? largest : angle;  // keeps NaN
      }
    }
    angles[i] = largest;
  }

 private:
  // By atan2, which is exact for small angles where acos is not.
  static FASTCV_HD double between(const double* a, const double* b, const double* x) {
    const double p[3] = {a[0] - x[0], a[1] - x[1], a[2] - x[2]}, q[3] = {b[0] - x[0], b[1] - x[1], b[2] - x[2]};
    const double c[3] = {p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]};
    return std::atan2(std::sqrt(c[0] * c[0] + c[1] * c[1] + c[2] * c[2]),
                      std::fabs(p[0] * q[0] + p[1] * q[1] + p[2] * q[2]));
  }
};

}  // namespace fastcv::FASTCV_ISA
