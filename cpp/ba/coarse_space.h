// SPDX-License-Identifier: Apache-2.0
// A coarse space for the reduced system: clusters of frames that turn, move and grow as one, and whose intrinsics
// change alike. The slow bending of long chains, which conjugate gradients find last, lies almost in it. Sources:
// Nicolaides 1987, "Deflation of conjugate gradients with applications to boundary value problems", for the method;
// Vanek, Mandel, Brezina 1996, "Algebraic multigrid by smoothed aggregation", for modes by cluster made orthogonal.
#pragma once

#include <memory>
#include <vector>

#include "ba/clusters.h"
#include "ba/schur_matrix.h"
#include "ba/sparse_cholesky.h"
#include "ba/unknowns.h"

namespace fastcv::ba {

class CoarseSpace {
 public:
  static constexpr int kPose = 6;  // unknowns
  static constexpr int kModes = generic::ba::kModes;

  CoarseSpace(const Equations& equations, const Unknowns& unknowns, const SchurMatrix& fine);

  // Factors Pᵀ (S + damping) P, where S is what `fine` holds by now and the columns of P are the clusters' modes about
  // the poses of `frames` (num_frames, 12). False where it is not positive definite.
  bool prepare(const double* frames, const double* damping, int num_threads);

  // z += P (Pᵀ (S + damping) P)⁻¹ Pᵀ r.
  void add_correction(const double* r, double* z) const;

 private:
  // A cluster with common points, or the cluster itself, and their block of the coarse matrix.
  struct Neighbour {
    std::int32_t cluster;
    std::int64_t block;
  };
  struct Workspace;

  void connect_clusters();
  void project_rows(std::int32_t cluster, Workspace& work);
  void add_product(std::int64_t image, std::int64_t other, const double* block, double* product) const;
  void add_projected(std::int64_t image, const double* product, double* to) const;
  void add_transposed(std::int64_t block, bool diagonal);
  // In coarse_modes.cpp.
  void make_modes(std::int32_t cluster, const double* poses);
  void orthonormalize(std::int32_t cluster, const double* metric);
  template <class F>
  void for_each_entry(const F& f) const;
  double* projected(std::int32_t cluster, const Neighbour& other);

  const Equations& equations_;
  const Unknowns& unknowns_;
  const SchurMatrix& fine_;
  Clusters clusters_;
  const int num_intrinsics_, columns_;
  std::vector<std::vector<Neighbour>> neighbours_;
  std::vector<double> modes_, shares_;  // P: (6, 7) of each frame's pose; of each image's own intrinsics
  std::unique_ptr<Unknowns> coarse_unknowns_;
  std::unique_ptr<SchurMatrix> coarse_;
  std::unique_ptr<SparseCholesky> cholesky_;
  Buffer<double> transposed_;  // of coarse blocks, what the rows of the second cluster bring
};

}  // namespace fastcv::ba
