// SPDX-License-Identifier: Apache-2.0
// A coarse space for the reduced system: clusters of images that turn, move and grow as one, and whose intrinsics change
// alike. The slow bending of long chains, which conjugate gradients find last, lies almost in it. Sources: Nicolaides
// 1987, "Deflation of conjugate gradients with applications to boundary value problems", for the method; Vanek, Mandel,
// Brezina 1996, "Algebraic multigrid by smoothed aggregation", for modes by cluster made orthogonal.
#pragma once

#include <memory>
#include <vector>

#include "ba/schur_matrix.h"
#include "ba/sparse_cholesky.h"
#include "ba/unknowns.h"

namespace fastcv::ba {

class CoarseSpace {
 public:
  CoarseSpace(const Equations& equations, const Unknowns& unknowns, const SchurMatrix& fine);

  // Factors Pᵀ (S + damping) P, where S is what `fine` holds by now and the columns of P are the clusters' modes about
  // `cam_from_world` (num_images, 12). False where it is not positive definite.
  bool prepare(const double* cam_from_world, const double* damping, int num_threads);

  // z += P (Pᵀ (S + damping) P)⁻¹ Pᵀ r.
  void add_correction(const double* r, double* z) const;

 private:
  // A cluster with common points, or the cluster itself, and their block of the coarse matrix.
  struct Neighbour {
    std::int32_t cluster;
    std::int64_t block;
  };
  struct Workspace;

  void find_own();
  void make_clusters(int size);
  void make_modes(const std::vector<std::int32_t>& images, const double* cam_from_world);
  void orthonormalize(const std::vector<std::int32_t>& images, const double* metric);
  void project_rows(std::int32_t cluster, Workspace& work);
  void add_transposed(std::int64_t block, bool diagonal);
  double* projected(std::int32_t cluster, const Neighbour& other);
  const std::int32_t* own(std::int64_t image) const { return own_.data() + image * unknowns_.columns(); }
  double* modes(std::int64_t image) { return modes_.data() + image * modes_size_; }
  const double* modes(std::int64_t image) const { return modes_.data() + image * modes_size_; }

  const Equations& equations_;
  const Unknowns& unknowns_;
  const SchurMatrix& fine_;
  const int num_intrinsics_, columns_, modes_size_;
  std::vector<std::int32_t> own_;         // (num_images, columns) the unknown where no other image has it, else -1
  std::vector<std::int32_t> cluster_of_;  // of images; -1 where nothing is their own
  std::vector<std::vector<std::int32_t>> members_;
  std::vector<std::vector<Neighbour>> neighbours_;
  std::vector<double> modes_;  // P by image: (6, 7) of its pose, then a factor for each intrinsic parameter
  std::unique_ptr<Unknowns> coarse_unknowns_;
  std::unique_ptr<SchurMatrix> coarse_;
  std::unique_ptr<SparseCholesky> cholesky_;
  Buffer<double> transposed_;  // of coarse blocks, what the rows of the second cluster bring
};

}  // namespace fastcv::ba
