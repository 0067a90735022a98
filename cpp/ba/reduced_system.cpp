// SPDX-License-Identifier: Apache-2.0
// Exact steps where the factor is cheap; elsewhere conjugate gradients.
#include "ba/reduced_system.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace fastcv::ba {
namespace {

// Nanoseconds of one AVX-512 core, measured on the problems of the benchmark. An observation's share of a conjugate
// gradient through the Jacobians, and of a step apart from the reduced system; a pair's of writing the system out.
constexpr double kObservation = 15, kStep = 120, kPair = 20;
// An entry's of a conjugate gradient with the written system; an operation's of the factor; of a front's entry, which
// is cleared, added to, copied, and read twice by the solution.
constexpr double kEntry = 0.75, kFlop = 0.022, kFrontEntry = 5;
// Conjugate gradients of a step: from 6 to 16 on average, on the problems of the benchmark but one, and as long as some
// 6 for the coarse space.
constexpr double kGradients = 20;
// With few images, exact steps begin in a wider trust region. From the narrow one three steps, each ten times as wide
// as the last, lead there; solves take ten and more.
constexpr double kMoreSteps = 1.3;
static_assert(kInitialRadius == 1e3 * kCautiousRadius);
// Pairs an observation beyond which conjugate gradients do without the coarse space, for which the system is computed:
// as long as some hundred of them. Nor is a factor thought of then.
constexpr double kManyPairs = 100;

}  // namespace

ReducedSystem::ReducedSystem(const Arrangement& arrangement, const Unknowns& unknowns, const ImagePriors& priors,
                             const std::string& wanted)
    : arrangement_(arrangement), unknowns_(unknowns) {
  choose(wanted, priors);
}

void ReducedSystem::choose(const std::string& wanted, const ImagePriors& priors) {
  const Equations& e = arrangement_.equations();
  const double pairs = arrangement_.num_pairs();
  const bool many = pairs > kManyPairs * static_cast<double>(e.num_observations);
  if (wanted.empty()) reason_ = "too many pairs of observations to write the system out";
  if (!many || (!wanted.empty() && wanted != "iterative_schur")) matrix_ = std::make_unique<SchurMatrix>(e);
  if (matrix_ && wanted != "iterative_schur") {
    const std::int64_t most_entries = wanted.empty() ? kMostEntries : std::numeric_limits<std::int64_t>::max();
    cholesky_ = std::make_unique<SparseCholesky>(*matrix_, unknowns_, most_entries);
    if (!wanted.empty() || is_factor_cheaper(pairs)) return;
    cholesky_.reset();
  }
  gradients_ = std::make_unique<ConjugateGradients>(arrangement_, unknowns_, priors, std::move(matrix_));
}

// Either way the system is computed: for the factor, or for the coarse space.
bool ReducedSystem::is_factor_cheaper(double pairs) {
  if (!cholesky_->feasible()) {
    reason_ = "a factor has more than " + std::to_string(kMostEntries) + " entries";
    return false;
  }
  const Equations& e = arrangement_.equations();
  const auto observations = static_cast<double>(e.num_observations);
  const auto entries = static_cast<double>(matrix_->row_begin(e.num_images) * e.columns * e.columns);
  const double gradient = ConjugateGradients::stores(e, *matrix_) ? kEntry * entries : kObservation * observations;
  const double more = initial_radius(false, e.num_images) > initial_radius(true, e.num_images) ? kMoreSteps : 1;
  const double step = kStep * observations + kPair * pairs;
  const double exact = step + kFlop * cholesky_->num_flops() + kFrontEntry * cholesky_->num_entries();
  const double ratio = exact / (more * (step + kGradients * gradient));
  reason_ = "steps with a factor cost " + std::to_string(std::lround(100 * ratio)) +
            " % of those with conjugate gradients, by estimate";
  return ratio < 1;
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
