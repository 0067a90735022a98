// SPDX-License-Identifier: Apache-2.0
#include "ba/coarse_space.h"

#include <algorithm>
#include <limits>

#include "core/parallel.h"

namespace fastcv::ba {
namespace {

// Of the coarse factor, for each observation: as long as some five conjugate gradients. Clusters grow until it is so.
constexpr double kMostFlops = 5000;

}  // namespace

CoarseSpace::CoarseSpace(const Equations& equations, const Unknowns& unknowns, const SchurMatrix& fine)
    : equations_(equations),
      unknowns_(unknowns),
      fine_(fine),
      clusters_(equations, unknowns),
      num_intrinsics_(clusters_.num_intrinsics()),
      columns_(clusters_.columns()),
      modes_(unknowns.num_frames() * kPose * kModes),
      shares_(equations.num_images * num_intrinsics_) {
  for (int size = Clusters::kSmallest;; size *= 2) {
    clusters_.make(size);
    connect_clusters();
    cholesky_ = std::make_unique<SparseCholesky>(*coarse_, *coarse_unknowns_, std::numeric_limits<std::int64_t>::max());
    if (size >= unknowns.num_frames()) break;
    if (cholesky_->num_flops() < kMostFlops * static_cast<double>(equations.num_observations)) break;
  }
  transposed_ = Buffer<double>(coarse_->row_begin(coarse_->num_images()) * columns_ * columns_);
}

void CoarseSpace::connect_clusters() {
  std::vector<std::vector<std::int32_t>> below(clusters_.count());
  for (std::int32_t cluster = 0; cluster < clusters_.count(); ++cluster) {
    for (const std::int32_t image : clusters_.images(cluster)) {
      for (std::int64_t b = fine_.row_begin(image); b < fine_.row_begin(image + 1); ++b) {
        const std::int32_t other = clusters_.of_image(fine_.column(b));
        if (other >= 0) below[std::max(cluster, other)].push_back(std::min(cluster, other));
      }
    }
  }
  for (std::vector<std::int32_t>& row : below) {
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
  }
  coarse_ = std::make_unique<SchurMatrix>(columns_, below);
  coarse_unknowns_ = std::make_unique<Unknowns>(coarse_->num_images(), columns_);
  neighbours_.assign(below.size(), {});
  for (std::int32_t cluster = 0; cluster < coarse_->num_images(); ++cluster) {
    for (std::int64_t b = coarse_->row_begin(cluster); b < coarse_->row_begin(cluster + 1); ++b) {
      neighbours_[cluster].push_back({coarse_->column(b), b});
      if (coarse_->column(b) != cluster) neighbours_[coarse_->column(b)].push_back({cluster, b});
    }
  }
}

struct CoarseSpace::Workspace {
  SchurMatrix::Workspace fine;
  std::vector<double> products;       // S P of a row by neighbour: (columns of an image, of a cluster)
  std::vector<std::int32_t> slot_of;  // of clusters, among the neighbours
};

// Where rows of a cluster's images add to its block with another.
double* CoarseSpace::projected(std::int32_t cluster, const Neighbour& other) {
  return other.cluster > cluster ? transposed_.data() + other.block * columns_ * columns_ : coarse_->block(other.block);
}

// What the rows of a cluster's images bring to Pᵀ S P; of S they reach to the diagonal.
void CoarseSpace::project_rows(std::int32_t cluster, Workspace& work) {
  const int columns = fine_.columns();
  const std::vector<Neighbour>& neighbours = neighbours_[cluster];
  for (std::size_t n = 0; n < neighbours.size(); ++n) {
    work.slot_of[neighbours[n].cluster] = static_cast<std::int32_t>(n);
    std::fill_n(projected(cluster, neighbours[n]), columns_ * columns_, 0.0);
  }
  for (const std::int32_t image : clusters_.images(cluster)) {
    const std::int64_t first = fine_.row_begin(image), count = fine_.row_begin(image + 1) - first;
    const double* row = fine_.row(image, work.fine);
    work.products.assign(neighbours.size() * columns * columns_, 0.0);
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int32_t other = fine_.column(first + b);
      if (clusters_.of_image(other) < 0) continue;
      const std::int64_t slot = work.slot_of[clusters_.of_image(other)];
      add_product(image, other, row + b * columns * columns, work.products.data() + slot * columns * columns_);
    }
    for (std::size_t n = 0; n < neighbours.size(); ++n) {
      add_projected(image, work.products.data() + n * columns * columns_, projected(cluster, neighbours[n]));
    }
  }
}

// product += block P_other.
void CoarseSpace::add_product(std::int64_t image, std::int64_t other, const double* block, double* product) const {
  const int columns = unknowns_.columns(), width = unknowns_.width();
  double scratch[Unknowns::kMostWidth * Unknowns::kMostWidth];
  const double* folded = unknowns_.fold(image, other, block, scratch);
  const double *p = modes_.data() + unknowns_.frame(other) * kPose * kModes,
               *shares = shares_.data() + other * num_intrinsics_;
  const double part = other == image ? 0.5 : 1;  // add_transposed() brings the other half
  for (int r = 0; r < columns; ++r, product += columns_) {
    for (int c = 0; c < kPose; ++c) {
      const double value = part * folded[block_index(width, r, c)];
      for (int m = 0; m < kModes; ++m) product[m] += value * p[c * kModes + m];
    }
    for (int a = 0; a < num_intrinsics_; ++a) {
      product[kModes + a] += part * folded[block_index(width, r, kPose + a)] * shares[a];
    }
  }
}

// to += P_imageᵀ product.
void CoarseSpace::add_projected(std::int64_t image, const double* product, double* to) const {
  const auto add = [&](int mode, double factor, const double* row) {
    for (int m = 0; m < columns_; ++m) to[mode * columns_ + m] += factor * row[m];
  };
  const double* p = modes_.data() + unknowns_.frame(image) * kPose * kModes;
  for (int r = 0; r < kPose; ++r, product += columns_) {
    for (int m = 0; m < kModes; ++m) add(m, p[r * kModes + m], product);
  }
  for (int a = 0; a < num_intrinsics_; ++a, product += columns_) {
    add(kModes + a, shares_[image * num_intrinsics_ + a], product);
  }
}

// Makes a block of the coarse matrix of its two parts.
void CoarseSpace::add_transposed(std::int64_t block, bool diagonal) {
  double* to = coarse_->block(block);
  const std::vector<double> part(to, to + columns_ * columns_);
  const double* transposed = diagonal ? part.data() : transposed_.data() + block * columns_ * columns_;
  for (int r = 0; r < columns_; ++r) {
    for (int c = 0; c < columns_; ++c) {
      to[block_index(columns_, r, c)] = part[r * columns_ + c] + transposed[c * columns_ + r];
    }
  }
}

bool CoarseSpace::prepare(const double* frames, const double* damping, int num_threads) {
  const std::int64_t num_clusters = coarse_->num_images();
  parallel_for(num_clusters, 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) {
      make_modes(static_cast<std::int32_t>(c), frames);
      orthonormalize(static_cast<std::int32_t>(c), damping);
    }
  });
  parallel_for(num_clusters, 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
    Workspace work;
    work.slot_of.resize(num_clusters);
    for (std::int64_t c = begin; c < end; ++c) project_rows(static_cast<std::int32_t>(c), work);
  });
  parallel_for(num_clusters, 16, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) {
      for (std::int64_t b = coarse_->row_begin(c); b < coarse_->row_begin(c + 1); ++b) {
        add_transposed(b, coarse_->column(b) == c);
      }
    }
  });
  // The modes are orthonormal in the metric of the damping, and those that became zero need something on the diagonal.
  const std::vector<double> one(coarse_unknowns_->count(), 1.0);
  return cholesky_->factor(*coarse_, one.data(), num_threads);
}

// Calls f(unknown, unknown of the coarse space, entry of P).
template <class F>
void CoarseSpace::for_each_entry(const F& f) const {
  for (std::int32_t cluster = 0; cluster < coarse_->num_images(); ++cluster) {
    const std::int32_t first = cluster * columns_;
    for (const std::int64_t frame : clusters_.frames(cluster)) {
      for (int r = 0; r < kPose; ++r) {
        const std::int32_t unknown = unknowns_.of_frame(frame)[r];
        if (unknown < 0) continue;
        for (int m = 0; m < kModes; ++m) f(unknown, first + m, modes_[(frame * kPose + r) * kModes + m]);
      }
    }
    for (const std::int64_t image : clusters_.images(cluster)) {
      for (int a = 0; a < num_intrinsics_; ++a) {
        const std::int32_t unknown = clusters_.own(image)[a];
        if (unknown >= 0) f(unknown, first + kModes + a, shares_[image * num_intrinsics_ + a]);
      }
    }
  }
}

void CoarseSpace::add_correction(const double* r, double* z) const {
  std::vector<double> y(coarse_unknowns_->count(), 0.0);
  for_each_entry([&](std::int32_t unknown, std::int32_t mode, double p) { y[mode] += p * r[unknown]; });
  cholesky_->solve(y.data());
  for_each_entry([&](std::int32_t unknown, std::int32_t mode, double p) { z[unknown] += p * y[mode]; });
}

}  // namespace fastcv::ba
