// SPDX-License-Identifier: Apache-2.0
#include "ba/coarse_space.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ba/cluster_images.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = 6;
constexpr int kModes = 7;             // of the poses of a cluster: three turns, three shifts, a growth
constexpr int kSmallestCluster = 10;  // images
// Of the coarse factor, for each observation: as long as some five conjugate gradients. Clusters grow until it is so.
constexpr double kMostFlops = 5000;
// What the earlier modes of a cluster leave of one, squared, below which it says nothing of its own.
constexpr double kIndependent = 1e-10;

// Turns about `middle`, x -> x + a x (x - middle), shifts and growth of the world, as (6, 7): they move the image's
// centre alike, and turn it by w = -R a.
void move_with_world(const double* pose, const double* center, const double* middle, double* p) {
  double d[3];
  for (int c = 0; c < 3; ++c) d[c] = center[c] - middle[c];
  const double across[3][3] = {{0, d[2], -d[1]}, {-d[2], 0, d[0]}, {d[1], -d[0], 0}};  // [d]ₓᵀ
  std::fill_n(p, kPose * kModes, 0.0);
  for (int r = 0; r < 3; ++r) {
    double* shift = p + (3 + r) * kModes;
    for (int c = 0; c < 3; ++c) {
      p[r * kModes + c] = -pose[4 * r + c];
      shift[c] = across[r][c];
    }
    shift[3 + r] = 1;
    shift[6] = d[r];
  }
}

}  // namespace

CoarseSpace::CoarseSpace(const Equations& equations, const Unknowns& unknowns, const SchurMatrix& fine)
    : equations_(equations),
      unknowns_(unknowns),
      fine_(fine),
      num_intrinsics_(std::min(equations.columns - kPose, kMostColumns - kModes)),
      columns_(kModes + num_intrinsics_),
      modes_size_(kPose * kModes + num_intrinsics_),
      modes_(equations.num_images * modes_size_) {
  find_own();
  for (int size = kSmallestCluster;; size *= 2) {
    make_clusters(size);
    cholesky_ = std::make_unique<SparseCholesky>(*coarse_, *coarse_unknowns_, std::numeric_limits<std::int64_t>::max());
    if (size >= equations.num_images) break;
    if (cholesky_->num_flops() < kMostFlops * static_cast<double>(equations.num_observations)) break;
  }
  transposed_ = Buffer<double>(coarse_->row_begin(coarse_->num_images()) * columns_ * columns_);
}

void CoarseSpace::find_own() {
  const std::int64_t columns = unknowns_.columns();
  own_.assign(unknowns_.of_image(0), unknowns_.of_image(0) + equations_.num_images * columns);
  std::vector<int> users(unknowns_.count(), 0);
  for (const std::int32_t unknown : own_) {
    if (unknown >= 0) ++users[unknown];
  }
  for (std::int32_t& unknown : own_) {
    if (unknown >= 0 && users[unknown] > 1) unknown = -1;
  }
}

void CoarseSpace::make_clusters(int size) {
  std::vector<bool> wanted(equations_.num_images);
  for (std::int64_t i = 0; i < equations_.num_images; ++i) {
    wanted[i] = std::any_of(own(i), own(i + 1), [](std::int32_t unknown) { return unknown >= 0; });
  }
  cluster_of_ = cluster_images(equations_, wanted, size);
  members_.assign(1 + *std::max_element(cluster_of_.begin(), cluster_of_.end()), {});
  std::vector<std::vector<std::int32_t>> below(members_.size());
  for (std::int32_t image = 0; image < equations_.num_images; ++image) {
    const std::int32_t cluster = cluster_of_[image];
    if (cluster < 0) continue;
    members_[cluster].push_back(image);
    for (std::int64_t b = fine_.row_begin(image); b < fine_.row_begin(image + 1); ++b) {
      const std::int32_t other = cluster_of_[fine_.column(b)];
      if (other >= 0) below[std::max(cluster, other)].push_back(std::min(cluster, other));
    }
  }
  for (std::vector<std::int32_t>& row : below) {
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
  }
  coarse_ = std::make_unique<SchurMatrix>(columns_, below);
  coarse_unknowns_ = std::make_unique<Unknowns>(coarse_->num_images(), columns_);
  neighbours_.assign(members_.size(), {});
  for (std::int32_t cluster = 0; cluster < coarse_->num_images(); ++cluster) {
    for (std::int64_t b = coarse_->row_begin(cluster); b < coarse_->row_begin(cluster + 1); ++b) {
      neighbours_[cluster].push_back({coarse_->column(b), b});
      if (coarse_->column(b) != cluster) neighbours_[coarse_->column(b)].push_back({cluster, b});
    }
  }
}

void CoarseSpace::make_modes(const std::vector<std::int32_t>& images, const double* cam_from_world) {
  std::vector<double> centers;
  double middle[3] = {};
  for (const std::int32_t image : images) {
    const double* pose = cam_from_world + 12 * std::int64_t(image);
    for (int c = 0; c < 3; ++c) {
      centers.push_back(-(pose[c] * pose[3] + pose[4 + c] * pose[7] + pose[8 + c] * pose[11]));
      middle[c] += centers.back() / static_cast<double>(images.size());
    }
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::int64_t image = images[i];
    double* p = modes(image);
    move_with_world(cam_from_world + 12 * image, centers.data() + 3 * i, middle, p);
    for (int r = 0; r < kPose; ++r) {
      if (own(image)[r] < 0) std::fill_n(p + r * kModes, kModes, 0.0);
    }
    for (int a = 0; a < num_intrinsics_; ++a) p[kPose * kModes + a] = own(image)[kPose + a] >= 0;
  }
}

// Gram-Schmidt. Modes that others imply, such as the growth of a single image, become zero.
void CoarseSpace::orthonormalize(const std::vector<std::int32_t>& images, const double* metric) {
  const auto product = [&](int first, int second) {
    double sum = 0;
    for (const std::int32_t image : images) {
      for (int r = 0; r < kPose; ++r) {
        const double* row = modes(image) + r * kModes;
        if (own(image)[r] >= 0) sum += metric[own(image)[r]] * row[first] * row[second];
      }
    }
    return sum;
  };
  for (int m = 0; m < kModes; ++m) {
    const double before = product(m, m);
    for (int k = 0; k < m; ++k) {
      const double share = product(m, k);
      for (const std::int32_t image : images) {
        for (int r = 0; r < kPose; ++r) modes(image)[r * kModes + m] -= share * modes(image)[r * kModes + k];
      }
    }
    const double rest = product(m, m), factor = rest > kIndependent * before ? 1 / std::sqrt(rest) : 0;
    for (const std::int32_t image : images) {
      for (int r = 0; r < kPose; ++r) modes(image)[r * kModes + m] *= factor;
    }
  }
  for (int a = 0; a < num_intrinsics_; ++a) {
    double sum = 0;
    for (const std::int32_t image : images) {
      if (own(image)[kPose + a] >= 0) sum += metric[own(image)[kPose + a]];
    }
    for (const std::int32_t image : images) {
      if (sum > 0) modes(image)[kPose * kModes + a] /= std::sqrt(sum);
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
  const int columns = fine_.columns(), size = columns * columns;
  const std::vector<Neighbour>& neighbours = neighbours_[cluster];
  for (std::size_t n = 0; n < neighbours.size(); ++n) {
    work.slot_of[neighbours[n].cluster] = static_cast<std::int32_t>(n);
    std::fill_n(projected(cluster, neighbours[n]), columns_ * columns_, 0.0);
  }
  for (const std::int32_t image : members_[cluster]) {
    const std::int64_t first = fine_.row_begin(image), count = fine_.row_begin(image + 1) - first;
    const double* row = fine_.row(image, work.fine);
    work.products.assign(neighbours.size() * columns * columns_, 0.0);
    for (std::int64_t b = 0; b < count; ++b) {
      const std::int32_t other = fine_.column(first + b);
      if (cluster_of_[other] < 0) continue;
      const double *block = row + b * size, *p = modes(other);
      const double share = other == image ? 0.5 : 1;  // add_transposed() brings the other half
      double* product = work.products.data() + std::int64_t(work.slot_of[cluster_of_[other]]) * columns * columns_;
      for (int r = 0; r < columns; ++r, product += columns_) {
        for (int c = 0; c < kPose; ++c) {
          const double value = share * block[block_index(columns, r, c)];
          for (int m = 0; m < kModes; ++m) product[m] += value * p[c * kModes + m];
        }
        for (int a = 0; a < num_intrinsics_; ++a) {
          product[kModes + a] += share * block[block_index(columns, r, kPose + a)] * p[kPose * kModes + a];
        }
      }
    }
    const double* p = modes(image);
    for (std::size_t n = 0; n < neighbours.size(); ++n) {
      const double* product = work.products.data() + n * columns * columns_;
      double* to = projected(cluster, neighbours[n]);
      const auto add = [&](int mode, double factor, int r) {
        for (int m = 0; m < columns_; ++m) to[mode * columns_ + m] += factor * product[r * columns_ + m];
      };
      for (int r = 0; r < kPose; ++r) {
        for (int m = 0; m < kModes; ++m) add(m, p[r * kModes + m], r);
      }
      for (int a = 0; a < num_intrinsics_; ++a) add(kModes + a, p[kPose * kModes + a], kPose + a);
    }
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

bool CoarseSpace::prepare(const double* cam_from_world, const double* damping, int num_threads) {
  const std::int64_t num_clusters = coarse_->num_images();
  parallel_for(num_clusters, 1, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) {
      make_modes(members_[c], cam_from_world);
      orthonormalize(members_[c], damping);
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

void CoarseSpace::add_correction(const double* r, double* z) const {
  std::vector<double> y(coarse_unknowns_->count(), 0.0);
  // Calls f(unknown, unknown of the coarse space, entry of P).
  const auto for_each_entry = [&](const auto& f) {
    for (std::int64_t image = 0; image < equations_.num_images; ++image) {
      if (cluster_of_[image] < 0) continue;
      const double* p = modes(image);
      const std::int32_t first = cluster_of_[image] * columns_;
      for (int c = 0; c < kPose; ++c) {
        if (own(image)[c] < 0) continue;
        for (int m = 0; m < kModes; ++m) f(own(image)[c], first + m, p[c * kModes + m]);
      }
      for (int a = 0; a < num_intrinsics_; ++a) {
        if (own(image)[kPose + a] >= 0) f(own(image)[kPose + a], first + kModes + a, p[kPose * kModes + a]);
      }
    }
  };
  for_each_entry([&](std::int32_t u, std::int32_t c, double p) { y[c] += p * r[u]; });
  cholesky_->solve(y.data());
  for_each_entry([&](std::int32_t u, std::int32_t c, double p) { z[u] += p * y[c]; });
}

}  // namespace fastcv::ba
