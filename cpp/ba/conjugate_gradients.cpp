// SPDX-License-Identifier: Apache-2.0
#include "ba/conjugate_gradients.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "ba/dot.h"
#include "ba/settings.h"
#include "core/parallel.h"

#define FASTCV_LEAF "ba/eliminate_points.leaf.h"
#include "core/leaf.h"
#undef FASTCV_LEAF
#define FASTCV_LEAF "ba/cholesky_panel.leaf.h"
#include "core/leaf.h"

namespace fastcv::ba {
namespace {

void add_schur_diagonal(const Equations& equations, std::int64_t image, double* block) {
  FASTCV_DISPATCH(ba::add_schur_diagonal(equations, image, block));
}
void schur_product(const Equations& equations, const double* x, std::int64_t chunk, double* scratch) {
  FASTCV_DISPATCH(ba::schur_product(equations, x, chunk, scratch));
}
bool factor_diagonal(double* block, std::int64_t stride, int size) {
  FASTCV_DISPATCH(ba::factor_diagonal(block, stride, size));
}

}  // namespace

ConjugateGradients::ConjugateGradients(const Arrangement& arrangement, const Unknowns& unknowns,
                                       const ImagePriors& priors, std::unique_ptr<SchurMatrix> matrix)
    : arrangement_(arrangement),
      unknowns_(unknowns),
      priors_(priors),
      matrix_(std::move(matrix)),
      stored_(matrix_ && stores(arrangement.equations(), *matrix_)),
      node_blocks_{0} {
  for (std::int64_t n = 0; n < unknowns.num_nodes(); ++n) {
    const std::int64_t size = unknowns.node_size(n);
    node_blocks_.push_back(node_blocks_.back() + size * size);
  }
  blocks_.resize(node_blocks_.back());
  const Equations& e = arrangement.equations();
  image_x_.resize(e.num_images * e.columns);
  image_y_.resize(e.num_images * e.columns);
}

bool ConjugateGradients::stores(const Equations& e, const SchurMatrix& matrix) {
  const std::int64_t size = std::int64_t(e.columns) * e.columns * sizeof(double) * matrix.row_begin(e.num_images);
  return size <= 2 * e.num_observations * e.columns * std::int64_t(sizeof(float));
}

bool ConjugateGradients::prepare(const double* frames, const double* hessians, double scale, const double* damping,
                                 int num_threads) {
  const Equations& e = arrangement_.equations();
  const int columns = e.columns, size = columns * columns;
  hessians_ = hessians;
  extra_ = scale - 1;
  if (matrix_ && !coarse_) coarse_ = std::make_unique<CoarseSpace>(e, unknowns_, *matrix_);
  if (stored_) {
    matrix_->fill(hessians, scale, num_threads);
  } else if (matrix_) {
    matrix_->set(hessians, scale);
  }
  std::vector<double> of_images(e.num_images * size);
  parallel_for(e.num_images, 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double* block = of_images.data() + i * size;
      if (stored_) {
        std::copy_n(matrix_->block(matrix_->row_begin(i + 1) - 1), size, block);
      } else {
        for (int k = 0; k < size; ++k) block[k] = scale * hessians[i * size + k];
        if (e.image_free[i]) add_schur_diagonal(e, i, block);
      }
    }
  });
  std::fill(blocks_.begin(), blocks_.end(), 0.0);
  const int width = unknowns_.width();
  double scratch[Unknowns::kMostWidth * Unknowns::kMostWidth];
  for (std::int64_t i = 0; i < e.num_images; ++i) {
    const std::int32_t* unknown = unknowns_.of_image(i);
    const double* folded = unknowns_.fold(i, i, of_images.data() + i * size, scratch);
    for (int r = 0; r < width; ++r) {
      for (int c = 0; c < width; ++c) {
        if (unknown[r] < 0 || unknown[c] < 0) continue;
        const std::int32_t node = unknowns_.node_of(unknown[r]), first = unknowns_.node_begin(node);
        if (node != unknowns_.node_of(unknown[c])) continue;
        const std::int64_t at = node_blocks_[node] + (unknown[r] - first) * unknowns_.node_size(node);
        blocks_[at + unknown[c] - first] += folded[block_index(width, r, c)];
      }
    }
  }
  for (std::int64_t n = 0; n < unknowns_.num_nodes(); ++n) {
    const int node_size = unknowns_.node_size(n);
    double* block = blocks_.data() + node_blocks_[n];
    for (int i = 0; i < node_size; ++i) block[i * (node_size + 1)] += damping[unknowns_.node_begin(n) + i];
    if (!factor_diagonal(block, node_size, node_size)) return false;
  }
  return !coarse_ || coarse_->prepare(frames, damping, num_threads);
}

void ConjugateGradients::precondition(const double* r, double* z) const {
  for (std::int64_t n = 0; n < unknowns_.num_nodes(); ++n) {
    const int size = unknowns_.node_size(n), first = unknowns_.node_begin(n);
    const double* l = blocks_.data() + node_blocks_[n];
    double* y = z + first;
    for (int i = 0; i < size; ++i) {
      y[i] = r[first + i];
      for (int k = 0; k < i; ++k) y[i] -= l[i * size + k] * y[k];
      y[i] /= l[i * size + i];
    }
    for (int i = size - 1; i >= 0; --i) {
      for (int k = i + 1; k < size; ++k) y[i] -= l[k * size + i] * y[k];
      y[i] /= l[i * size + i];
    }
  }
  if (coarse_) coarse_->add_correction(r, z);
}

void ConjugateGradients::multiply_through_jacobians(int num_threads) {
  const Equations& e = arrangement_.equations();
  parallel_for(arrangement_.num_chunks(), 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> scratch(2 * arrangement_.longest_track());
    for (std::int64_t c = begin; c < end; ++c) schur_product(e, image_x_.data(), c, scratch.data());
  });
  arrangement_.add_partials(image_y_.data(), num_threads);
  const int columns = e.columns, size = columns * columns;
  for (std::int64_t i = 0; i < e.num_images; ++i) {
    const double *block = hessians_ + i * size, *xi = image_x_.data() + i * columns;
    double* yi = image_y_.data() + i * columns;
    for (int c = 0; c < columns; ++c) {
      const double factor = extra_ * xi[c];
      for (int r = 0; r < columns; ++r) yi[r] += factor * block[block_index(columns, r, c)];
    }
  }
  priors_.add_product(image_x_.data(), image_y_.data());
}

void ConjugateGradients::multiply(const double* x, double* y, int num_threads) {
  unknowns_.spread(x, image_x_.data());
  if (stored_) {
    matrix_->multiply(image_x_.data(), image_y_.data(), num_threads);
  } else {
    multiply_through_jacobians(num_threads);
  }
  unknowns_.gather(image_y_.data(), y);
}

int ConjugateGradients::solve(const double* b, const double* damping, double tolerance, int most_iterations, double* x,
                              int num_threads) {
  const std::size_t n = unknowns_.count();
  std::vector<double> r(b, b + n), z(n), p(n, 0.0), q(n);
  std::fill_n(x, n, 0.0);
  double rz = 0;
  Gains gains(tolerance);
  for (int iteration = 1; iteration <= most_iterations; ++iteration) {
    precondition(r.data(), z.data());
    const double next = dot(r, z);
    if (next == 0) return std::max(1, iteration - 1);  // solved exactly, from the start where b is 0
    if (!(next > 0)) return iteration - 1;
    const double beta = iteration == 1 ? 0 : next / rz;
    rz = next;
    for (std::size_t i = 0; i < n; ++i) p[i] = z[i] + beta * p[i];
    multiply(p.data(), q.data(), num_threads);
    for (std::size_t i = 0; i < n; ++i) q[i] += damping[i] * p[i];
    const double curvature = dot(p, q);
    if (!(curvature > 0)) return iteration - 1;
    const double alpha = rz / curvature;
    for (std::size_t i = 0; i < n; ++i) x[i] += alpha * p[i];
    for (std::size_t i = 0; i < n; ++i) r[i] -= alpha * q[i];
    if (gains.are_enough_with(0.5 * alpha * rz)) return iteration;
  }
  return most_iterations;
}

}  // namespace fastcv::ba
