// SPDX-License-Identifier: Apache-2.0
// The reduced system of the resident solver, S = scale U - W V⁻¹ Wᵀ, multiplied with or written out, and the steps that
// follow from its solution.
#pragma once

#include "ba/move_pose.hd.h"
#include "ba/point_block.hd.h"
#include "ba/resident_images.hd.h"

namespace fastcv::FASTCV_ISA::ba {

// ---- Products.

// Of shift columns with u: what a move of the point by -u does to the residual.
FASTCV_HD void times_shift(const Column* shift, const double* u, double* z) {
  z[0] = shift[0].x * u[0] + shift[1].x * u[1] + shift[2].x * u[2];
  z[1] = shift[0].y * u[0] + shift[1].y * u[1] + shift[2].y * u[2];
}

// Wᵀ x of one observation, with the other sign: (num_observations, 3).
struct ByShift {
  ResidentEquations e;
  const double* x;  // (num_images, columns)
  double* out;
  FASTCV_HD void operator()(std::int64_t k) const {
    const Column* row = e.row(k);
    const double* xi = x + std::int64_t(e.images[k]) * e.columns;
    double y0 = 0, y1 = 0;
    for (int c = 0; c < e.columns; ++c) {
      const Column a = row[c];
      y0 += a.x * xi[c];
      y1 += a.y * xi[c];
    }
    for (int c = 0; c < 3; ++c) {
      const Column b = row[kShiftColumn + c];
      out[3 * k + c] = b.x * y0 + b.y * y1;
    }
  }
};

FASTCV_HD void sum_of_point(const ResidentEquations& e, const double* by_shift, std::int64_t p, double* sum) {
  sum[0] = sum[1] = sum[2] = 0;
  for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
    for (int c = 0; c < 3; ++c) sum[c] += by_shift[3 * k + c];
  }
}

// V⁻¹ times that.
struct EliminatePoint {
  ResidentEquations e;
  const double* by_shift;
  double* steps;
  FASTCV_HD void operator()(std::int64_t p) const {
    double t[3];
    sum_of_point(e, by_shift, p, t);
    multiply_symmetric(e.point_inverse + 6 * p, t, steps + 3 * p);
  }
};

// (scale H x - Aᵀ shift(steps)) by image; without x, (-gradient - Aᵀ shift(steps)).
struct EliminatedProduct : OverImages {
  const double *steps, *x;
  double scale;
  double* out;
  FASTCV_HD int size() const { return e.columns; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int c) const {
    const std::int64_t k = e.by_image[i];
    const Column* row = e.row(k);
    double z[2];
    times_shift(row + kShiftColumn, steps + 3 * std::int64_t(e.points[k]), z);
    return row[c].x * z[0] + row[c].y * z[1];
  }
  FASTCV_HD void store(std::int64_t image, int c, double sum) const {
    const std::int64_t i = image * e.columns + c;
    out[i] = (x ? scale * hessian_times(e, x, image, c) : -e.image_gradient[i]) - sum;
  }
};

// As a term of a sum: what the point adds to the fall of the linearised cost, with the images' step in by_shift.
struct BackSubstitute {
  ResidentEquations e;
  const double *by_shift, *points;
  double *steps, *moved;
  FASTCV_HD double operator()(std::int64_t p) const {
    const double* g = e.point_gradient + 3 * p;
    double t[3], right[3], curved[3], *s = steps + 3 * p, fall = 0;
    sum_of_point(e, by_shift, p, t);
    for (int c = 0; c < 3; ++c) right[c] = t[c] - g[c];
    multiply_symmetric(e.point_inverse + 6 * p, right, s);
    multiply_symmetric(e.point_hessian + 6 * p, s, curved);
    for (int c = 0; c < 3; ++c) {
      fall += s[c] * (right[c] - 0.5 * curved[c]);
      moved[3 * p + c] = points[3 * p + c] + s[c];
    }
    return fall;
  }
};

struct MoveImage {
  ResidentEquations e;
  const double *values, *cam_from_world;
  double* moved;
  FASTCV_HD void operator()(std::int64_t image) const {
    move_pose(cam_from_world + 12 * image, values + image * e.columns, moved + 12 * image);
  }
};

struct MoveParam {
  const std::int64_t* columns;  // of some image that uses it, -1 where it is fixed or none does
  const double *values, *params;
  double* moved;
  FASTCV_HD void operator()(std::int64_t i) const { moved[i] = params[i] + (columns[i] < 0 ? 0 : values[columns[i]]); }
};

// ---- Small things.

struct Magnitude {
  const double* values;
  FASTCV_HD double operator()(std::int64_t i) const { return fabs(values[i]); }
};
struct FreePointMagnitude {
  ResidentEquations e;
  FASTCV_HD double operator()(std::int64_t i) const { return e.point_free[i / 3] ? fabs(e.point_gradient[i]) : 0; }
};
struct Damping {
  const double* diagonal;
  double factor, smallest;
  double* out;
  FASTCV_HD void operator()(std::int64_t i) const {
    out[i] = factor * (diagonal[i] > smallest ? diagonal[i] : smallest);
  }
};

// ---- The system written out. S = scale U - Y Yᵀ with Y = Aᵀ shift L and V⁻¹ = L Lᵀ.

// L of a symmetric block of a point: [0], [1 2], [3 4 5].
FASTCV_HD void root_of(const double* v, double* l) {
  // Semidefinite: a fixed point's is 0, and rounding may leave the last pivots of a distant one below.
  const auto root = [](double d) { return d > 0 ? sqrt(d) : 0.0; };
  const auto over = [](double a, double d) { return d > 0 ? a / d : 0.0; };
  l[0] = root(v[0]);
  l[1] = over(v[1], l[0]);
  l[2] = root(v[3] - l[1] * l[1]);
  l[3] = over(v[2], l[0]);
  l[4] = over(v[4] - l[3] * l[1], l[2]);
  l[5] = root(v[5] - l[3] * l[3] - l[4] * l[4]);
}
// out = Lᵀ x
FASTCV_HD void times_root(const double* l, double x0, double x1, double x2, double* out) {
  out[0] = x0 * l[0] + x1 * l[1] + x2 * l[3];
  out[1] = x1 * l[2] + x2 * l[4];
  out[2] = x2 * l[5];
}

struct Couplings {
  ResidentEquations e;
  double* couplings;  // (num_observations, columns, 3)
  FASTCV_HD void operator()(std::int64_t k) const {
    const Column *row = e.row(k), *b = row + kShiftColumn;
    double l[6], x[3], y[3];
    root_of(e.point_inverse + 6 * std::int64_t(e.points[k]), l);
    times_root(l, b[0].x, b[1].x, b[2].x, x);
    times_root(l, b[0].y, b[1].y, b[2].y, y);
    for (int c = 0; c < e.columns; ++c) {
      for (int d = 0; d < 3; ++d) couplings[(k * e.columns + c) * 3 + d] = row[c].x * x[d] + row[c].y * y[d];
    }
  }
};

struct PairLists {
  const std::int64_t* begin;           // (number of pairs of images + 1,)
  const std::int64_t *first, *second;  // observations of a common point, of the later image and of the earlier one
  const std::int32_t *later, *earlier;
};

// A row is a pair of images: its block of the system, by their columns.
struct SchurBlocks {
  int columns;
  PairLists pairs;
  const double* couplings;  // (num_observations, columns, 3)
  const double* hessians;   // (num_images, columns, columns) U
  double scale;
  double* blocks;  // (number of pairs of images, columns, columns)
  FASTCV_HD int size() const { return columns * columns; }
  FASTCV_HD std::int64_t begin(std::int64_t pair) const { return pairs.begin[pair]; }
  FASTCV_HD std::int64_t end(std::int64_t pair) const { return pairs.begin[pair + 1]; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int entry) const {
    const double* a = couplings + (pairs.first[i] * columns + entry / columns) * 3;
    const double* b = couplings + (pairs.second[i] * columns + entry % columns) * 3;
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  }
  FASTCV_HD void store(std::int64_t pair, int entry, double sum) const {
    const std::int64_t later = pairs.later[pair], own = later * size() + entry;
    blocks[pair * size() + entry] = (later == pairs.earlier[pair] ? scale * hessians[own] : 0) - sum;
  }
};

// Entry i of all blocks to its two places in a square matrix of all images' slots.
struct PlaceBlocks {
  PairLists pairs;
  std::int64_t width, stride;
  const double* blocks;  // (number of pairs of images, width, width)
  double* matrix;
  FASTCV_HD void operator()(std::int64_t i) const {
    const std::int64_t pair = i / (width * width), entry = i % (width * width);
    const std::int64_t r = pairs.later[pair] * width + entry / width, c = pairs.earlier[pair] * width + entry % width;
    matrix[r * stride + c] = blocks[i];
    if (pairs.later[pair] != pairs.earlier[pair]) matrix[c * stride + r] = blocks[i];
  }
};

}  // namespace fastcv::FASTCV_ISA::ba
