// SPDX-License-Identifier: Apache-2.0
// Exact steps where the factor is cheap; elsewhere conjugate gradients.
#include "ba/reduced_system.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastcv::ba {
namespace {

constexpr double kCheapFactor = 60;  // in conjugate gradients
// The rows of the system, in conjugate gradients, beyond which these do without the coarse space that is made of them.
constexpr double kCheapRows = 100;
constexpr std::int64_t kMostEntries = std::int64_t(1) << 28;  // of a factor that nobody asked for: 2 GiB
// Nanoseconds of one AVX-512 core, measured on the largest problems of the benchmark: an observation's share of a
// conjugate gradient, a pair's of the system, an operation of the factor.
constexpr double kObservation = 15, kPair = 15, kFlop = 0.02;

}  // namespace

ReducedSystem::ReducedSystem(const Arrangement& arrangement, const Unknowns& unknowns, const ImagePriors& priors,
                             const std::string& wanted)
    : arrangement_(arrangement), unknowns_(unknowns) {
  choose(wanted, priors);
}

void ReducedSystem::choose(const std::string& wanted, const ImagePriors& priors) {
  const Equations& e = arrangement_.equations();
  const double gradient = kObservation * static_cast<double>(e.num_observations);
  const double rows = kPair * arrangement_.num_pairs() / gradient;
  const auto tell = [&](const char* what, double cost) {
    const std::string limit = std::to_string(static_cast<int>(kCheapFactor));
    reason_ = std::string(what) + std::to_string(static_cast<int>(std::lround(cost))) + " conjugate gradients of " +
              limit + " that it may";
  };
  if (wanted.empty()) tell("writing the system out alone costs ", rows);
  if (wanted != "iterative_schur" && (!wanted.empty() || rows < kCheapFactor)) {
    matrix_ = std::make_unique<SchurMatrix>(e);
    cholesky_ = std::make_unique<SparseCholesky>(
        *matrix_, unknowns_, wanted.empty() ? kMostEntries : std::numeric_limits<std::int64_t>::max());
    const double cost = rows + kFlop * cholesky_->num_flops() / gradient;
    if (wanted.empty()) tell("a factor costs ", cost);
    if (!wanted.empty() || (cholesky_->feasible() && cost < kCheapFactor)) return;
    cholesky_.reset();
    matrix_.reset();
  }
  gradients_ = std::make_unique<ConjugateGradients>(arrangement_, unknowns_, priors, rows < kCheapRows);
}

int ReducedSystem::solve(const double* frames, const double* hessians, double scale, const double* damping,
                         const double* b, double* x, int num_threads) {
  if (unknowns_.count() == 0) return 1;
  if (gradients_) {
    if (!gradients_->prepare(frames, hessians, scale, damping, num_threads)) return 0;
    return gradients_->solve(b, damping, kForcing, kMostGradients, x, num_threads);
  }
  if (cholesky_->is_dense()) {
    matrix_->set(hessians, scale);
  } else {
    matrix_->fill(hessians, scale, num_threads);
  }
  if (!cholesky_->factor(*matrix_, damping, num_threads)) return 0;
  std::copy_n(b, unknowns_.count(), x);
  cholesky_->solve(x);
  return 1;
}

std::string ReducedSystem::linear_solver() const {
  return gradients_ ? "iterative_schur" : cholesky_->is_dense() ? "dense_schur" : "sparse_schur";
}

}  // namespace fastcv::ba
