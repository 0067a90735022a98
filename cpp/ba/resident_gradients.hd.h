// SPDX-License-Identifier: Apache-2.0
// Conjugate gradients of the resident solver: the preconditioner and the vector operations. The scalars stay where the
// vectors are; a value that makes no sense moves nothing, and the host finds it once an iteration is over.
#pragma once

#include "ba/resident_coarse.hd.h"
#include "ba/resident_schur.hd.h"
#include "ba/resident_unknowns.hd.h"

namespace fastcv::FASTCV_ISA::ba {

// ---- Schur-Jacobi: the diagonal blocks of the reduced system, one for each node (unknowns.h).

struct NodeLists {
  std::int64_t num_nodes;
  const std::int32_t* begin;    // (num_nodes + 1,) unknowns
  const std::int32_t* node_of;  // (num_unknowns,)
};

// shift V⁻¹ shiftᵀ of one observation, symmetric: (num_observations, 3).
struct Eliminated {
  ResidentEquations e;
  double* out;
  FASTCV_HD void operator()(std::int64_t k) const {
    const Column* b = e.row(k) + kShiftColumn;
    const double x[3] = {b[0].x, b[1].x, b[2].x}, y[3] = {b[0].y, b[1].y, b[2].y};
    double vx[3], vy[3];
    multiply_symmetric(e.point_inverse + 6 * std::int64_t(e.points[k]), x, vx);
    multiply_symmetric(e.point_inverse + 6 * std::int64_t(e.points[k]), y, vy);
    out[3 * k] = x[0] * vx[0] + x[1] * vx[1] + x[2] * vx[2];
    out[3 * k + 1] = x[0] * vy[0] + x[1] * vy[1] + x[2] * vy[2];
    out[3 * k + 2] = y[0] * vy[0] + y[1] * vy[1] + y[2] * vy[2];
  }
};

// The diagonal block of an image: (num_images, columns, columns).
struct DiagonalBlocks : OverImages {
  const double* eliminated;
  double scale;
  double* blocks;
  FASTCV_HD int size() const { return e.columns * e.columns; }
  FASTCV_HD double term(std::int64_t, std::int64_t i, int entry) const {
    const std::int64_t k = e.by_image[i];
    const Column a = e.row(k)[entry / e.columns], b = e.row(k)[entry % e.columns];
    const double* m = eliminated + 3 * k;
    return a.x * (m[0] * b.x + m[1] * b.y) + a.y * (m[1] * b.x + m[2] * b.y);
  }
  FASTCV_HD void store(std::int64_t image, int entry, double sum) const {
    const std::int64_t i = image * size() + entry;
    blocks[i] = scale * e.image_hessian[i] - sum;
  }
};

// That of a node, over the images that share it: (num_nodes, width, width), of which the node's size is used. Its
// unknowns stand for slots of the same images.
struct NodeBlocks {
  NodeLists nodes;
  UnknownLists lists;
  int width;
  const double *of_images, *damping;
  double* blocks;
  FASTCV_HD int size() const { return width * width; }
  FASTCV_HD std::int64_t begin(std::int64_t) const { return 0; }
  FASTCV_HD std::int64_t end(std::int64_t node) const {
    const std::int32_t first = nodes.begin[node];
    return lists.begin[first + 1] - lists.begin[first];
  }
  FASTCV_HD bool is_unknown(std::int64_t node, int i) const { return nodes.begin[node] + i < nodes.begin[node + 1]; }
  FASTCV_HD double term(std::int64_t node, std::int64_t item, int entry) const {
    const int r = entry / width, c = entry % width;
    if (!is_unknown(node, r) || !is_unknown(node, c)) return 0;
    const std::int64_t first = nodes.begin[node], row = lists.slots[lists.begin[first + r] + item];
    return of_images[row * width + lists.slots[lists.begin[first + c] + item] % width];
  }
  FASTCV_HD void store(std::int64_t node, int entry, double sum) const {
    const int r = entry / width, c = entry % width;
    const bool damped = r == c && is_unknown(node, r);
    blocks[node * size() + entry] = sum + (damped ? damping[nodes.begin[node] + r] : 0);
  }
};

// In place, from the lower triangle: A = L Lᵀ, then L⁻¹, then L⁻ᵀ L⁻¹. False where A is not positive definite.
FASTCV_HD bool invert_positive_definite(double* a, int n, int stride) {
  for (int j = 0; j < n; ++j) {
    for (int i = j; i < n; ++i) {
      double sum = a[i * stride + j];
      for (int k = 0; k < j; ++k) sum -= a[i * stride + k] * a[j * stride + k];
      if (i == j && !(sum > 0)) return false;
      a[i * stride + j] = i == j ? sqrt(sum) : sum / a[j * stride + j];
    }
  }
  for (int j = 0; j < n; ++j) {
    a[j * stride + j] = 1 / a[j * stride + j];
    for (int i = j + 1; i < n; ++i) {
      double sum = 0;
      for (int k = j; k < i; ++k) sum += a[i * stride + k] * a[k * stride + j];
      a[i * stride + j] = -sum / a[i * stride + i];
    }
  }
  for (int r = 0; r < n; ++r) {
    for (int c = 0; c <= r; ++c) {
      double sum = 0;
      for (int k = r; k < n; ++k) sum += a[k * stride + r] * a[k * stride + c];
      a[r * stride + c] = a[c * stride + r] = sum;
    }
  }
  return true;
}

// As a term of a sum: 1 where a block is not positive definite.
struct InvertNode {
  NodeLists nodes;
  int width;
  double* blocks;
  FASTCV_HD double operator()(std::int64_t node) const {
    const int size = nodes.begin[node + 1] - nodes.begin[node];
    return invert_positive_definite(blocks + node * width * width, size, width) ? 0 : 1;
  }
};

// ---- Vectors.

struct Dot {
  const double *a, *b;
  FASTCV_HD double operator()(std::int64_t i) const { return a[i] * b[i]; }
};
struct Copy {
  const double* from;
  double* out;
  FASTCV_HD void operator()(std::int64_t i) const { out[i] = from[i]; }
};
struct Fill {
  double* out;
  double value;
  FASTCV_HD void operator()(std::int64_t i) const { out[i] = value; }
};

// z = M⁻¹ r, with the correction of the coarse space added. As a term of a sum: rᵀ z.
struct Precondition {
  NodeLists nodes;
  int width;
  const double* blocks;
  Correction correction;
  const double* r;
  double* z;
  FASTCV_HD double operator()(std::int64_t i) const {
    const std::int64_t node = nodes.node_of[i], first = nodes.begin[node];
    const double* row = blocks + (node * width + i - first) * width;
    double sum = correction(i);
    for (std::int64_t c = 0; c < nodes.begin[node + 1] - first; ++c) sum += row[c] * r[first + c];
    z[i] = sum;
    return r[i] * sum;
  }
};

// p = z + (rz / last rz) p.
struct Direction {
  const double *z, *rz, *last_rz;  // the last one is null at first
  double* p;
  FASTCV_HD void operator()(std::int64_t i) const { p[i] = last_rz ? z[i] + *rz / *last_rz * p[i] : z[i]; }
};

// q += damping p. As a term of a sum: pᵀ q.
struct DampProduct {
  const double *damping, *p;
  double* q;
  FASTCV_HD double operator()(std::int64_t i) const {
    q[i] += damping[i] * p[i];
    return p[i] * q[i];
  }
};

struct Advance {
  const double *rz, *curvature, *p, *q;
  double *x, *r;
  FASTCV_HD void operator()(std::int64_t i) const {
    const double alpha = *rz > 0 && *curvature > 0 ? *rz / *curvature : 0;
    x[i] += alpha * p[i];
    r[i] -= alpha * q[i];
  }
};

}  // namespace fastcv::FASTCV_ISA::ba
