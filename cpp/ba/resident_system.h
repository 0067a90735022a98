// SPDX-License-Identifier: Apache-2.0
// The reduced system of the resident solver: conjugate gradients, or written out and factored where it is small.
#pragma once

#include <memory>
#include <string>

#include "ba/dense_cholesky.hd.h"
#include "ba/resident_coarse.h"
#include "ba/resident_gradients.hd.h"
#include "ba/resident_unknowns.h"
#include "ba/settings.h"
#include "core/executor.h"

namespace fastcv::FASTCV_ISA::ba {

// What products with the Jacobian need room for.
struct ResidentScratch {
  double* by_shift;      // (num_observations, 3)
  double* point_steps;   // (num_points, 3)
  double* image_values;  // (num_images, columns)
};

// Solves (scale U - W V⁻¹ Wᵀ + damping) x = b, linearised at the poses of `frames`.
template <class Executor>
class ResidentSystem {
 public:
  virtual ~ResidentSystem() = default;
  // The number of linear iterations, or 0 where the system is not positive definite.
  virtual int solve(const double* frames, double scale, const double* damping, const double* b, double* x) = 0;
  virtual bool is_iterative() const = 0;
};

// As ConjugateGradients (conjugate_gradients.h).
template <class Executor>
class ResidentGradients : public ResidentSystem<Executor> {
 public:
  ResidentGradients(Executor& on, const ResidentEquations& e, const ResidentUnknowns<Executor>& unknowns,
                    const fastcv::ba::ResidentLists& lists, const fastcv::ba::ClusterLists& clusters,
                    const ResidentScratch& scratch)
      : on_(on), e_(e), unknowns_(unknowns), scratch_(scratch), arena_(on) {
    nodes_ = {static_cast<std::int64_t>(lists.node_begin.size()) - 1, arena_.upload(lists.node_begin),
              arena_.upload(lists.node_of)};
    width_ = static_cast<int>(unknowns.width());
    image_blocks_ = arena_.template allocate<double>(e.num_images * e.columns * e.columns);
    node_blocks_ = arena_.template allocate<double>(nodes_.num_nodes * width_ * width_);
    for (double** vector : {&r_, &z_, &p_, &q_}) *vector = arena_.template allocate<double>(unknowns.count());
    image_out_ = arena_.template allocate<double>(e.num_images * e.columns);
    scalars_ = arena_.template allocate<double>(3);
    if (clusters.num_clusters > 0) coarse_ = std::make_unique<ResidentCoarse<Executor>>(on, e, unknowns, clusters);
  }

  int solve(const double* frames, double scale, const double* damping, const double* b, double* x) override {
    if (unknowns_.count() == 0) return 1;
    if (!prepare(frames, scale, damping)) return 0;
    const std::int64_t n = unknowns_.count();
    for_each(on_, n, Fill{x, 0});
    for_each(on_, n, Copy{b, r_});
    fastcv::ba::Gains gains(fastcv::ba::kForcing);
    for (int iteration = 1; iteration <= fastcv::ba::kMostGradients; ++iteration) {
      double *rz = scalars_ + iteration % 2, *last_rz = scalars_ + (iteration + 1) % 2, *curvature = scalars_ + 2;
      const Correction correction = coarse_ ? coarse_->correct(r_) : Correction{};
      reduce_into<Sum>(on_, n, Precondition{nodes_, width_, node_blocks_, correction, r_, z_}, rz);
      for_each(on_, n, Direction{z_, rz, iteration == 1 ? nullptr : last_rz, p_});
      multiply(scale, p_, q_);
      reduce_into<Sum>(on_, n, DampProduct{damping, p_, q_}, curvature);
      for_each(on_, n, Advance{rz, curvature, p_, q_, x, r_});
      double scalars[3];
      read(on_, scalars_, 3, scalars);
      const double next = scalars[iteration % 2];
      if (next == 0) return iteration == 1 ? 1 : iteration - 1;  // solved exactly, from the start where b is 0
      if (!(next > 0) || !(scalars[2] > 0)) return iteration - 1;
      if (gains.are_enough_with(0.5 * next / scalars[2] * next)) return iteration;
    }
    return fastcv::ba::kMostGradients;
  }
  bool is_iterative() const override { return true; }

 private:
  bool prepare(const double* frames, double scale, const double* damping) {
    for_each(on_, e_.num_observations, Eliminated{e_, scratch_.by_shift});
    sum_rows(on_, e_.num_images, DiagonalBlocks{{e_}, scratch_.by_shift, scale, image_blocks_});
    sum_rows(on_, nodes_.num_nodes,
             NodeBlocks{nodes_, unknowns_.lists(), width_, unknowns_.fold(image_blocks_), damping, node_blocks_});
    reduce_into<Sum>(on_, nodes_.num_nodes, InvertNode{nodes_, width_, node_blocks_}, scalars_);
    for_each(on_, 1, Fill{scalars_ + 1, 0});
    if (coarse_) coarse_->prepare(frames, scale, damping, scalars_ + 1);
    double failed[2];
    read(on_, scalars_, 2, failed);
    return failed[0] == 0 && failed[1] == 0;
  }
  // y = S x
  void multiply(double scale, const double* x, double* y) {
    unknowns_.spread(x, scratch_.image_values);
    for_each(on_, e_.num_observations, ByShift{e_, scratch_.image_values, scratch_.by_shift});
    for_each(on_, e_.num_points, EliminatePoint{e_, scratch_.by_shift, scratch_.point_steps});
    sum_rows(on_, e_.num_images,
             EliminatedProduct{{e_}, scratch_.point_steps, scratch_.image_values, scale, image_out_});
    unknowns_.gather(image_out_, y);
  }

  Executor& on_;
  const ResidentEquations& e_;
  const ResidentUnknowns<Executor>& unknowns_;
  const ResidentScratch scratch_;
  Arena<Executor> arena_;
  NodeLists nodes_;
  int width_;
  double *image_blocks_, *node_blocks_, *r_, *z_, *p_, *q_, *image_out_;
  std::unique_ptr<ResidentCoarse<Executor>> coarse_;  // null where nothing is a cluster's own
  double* scalars_;                                   // rᵀ z of this iteration and the last by turns, and pᵀ S p
};

// Written out: first by the slots of all images, then by unknowns.
template <class Executor>
class ResidentCholesky : public ResidentSystem<Executor> {
 public:
  ResidentCholesky(Executor& on, const ResidentEquations& e, const ResidentUnknowns<Executor>& unknowns,
                   const fastcv::ba::ObservationPairs& pairs)
      : on_(on), e_(e), unknowns_(unknowns), arena_(on) {
    num_pairs_ = static_cast<std::int64_t>(pairs.later.size());
    pairs_ = upload_pairs(arena_, pairs);
    const std::int64_t slots = unknowns.num_slots(), width = unknowns.width(), n = unknowns.count();
    blocks_ = arena_.template allocate<double>(num_pairs_ * e.columns * e.columns);
    folded_ = unknowns.has_rigs() ? arena_.template allocate<double>(num_pairs_ * width * width) : blocks_;
    couplings_ = arena_.template allocate<double>(e.num_observations * e.columns * 3);
    of_images_ = arena_.template allocate<double>(slots * slots);
    rows_ = arena_.template allocate<double>(n * slots);
    matrix_.size = (n + kTile - 1) / kTile * kTile;
    matrix_.values = arena_.template allocate<double>(matrix_.size * matrix_.size);
    x_ = arena_.template allocate<double>(matrix_.size);
    failed_ = arena_.template allocate<double>(1);
    for_each(on_, slots * slots, Fill{of_images_, 0});  // images without common points stay so
  }

  int solve(const double*, double scale, const double* damping, const double* b, double* x) override {
    const std::int64_t slots = unknowns_.num_slots(), width = unknowns_.width(), n = unknowns_.count();
    if (n == 0) return 1;
    for_each(on_, e_.num_observations, Couplings{e_, couplings_});
    sum_rows(on_, num_pairs_, SchurBlocks{e_.columns, pairs_, couplings_, e_.image_hessian, scale, blocks_});
    const std::int64_t entries = num_pairs_ * width * width;
    if (unknowns_.has_rigs()) {
      for_each(on_, entries, FoldBlocks{unknowns_.rigs(), pairs_.later, pairs_.earlier, blocks_, folded_});
    }
    for_each(on_, entries, PlaceBlocks{pairs_, width, slots, folded_, of_images_});
    for_each(on_, n * slots, Gather{unknowns_.lists(), slots, e_.num_images, of_images_, rows_});
    for_each(on_, matrix_.size * matrix_.size,
             GatherColumns{unknowns_.lists(), n, slots, matrix_.size, rows_, damping, matrix_.values});
    for_each(on_, 1, Fill{failed_, 0});
    factor(on_, matrix_, failed_);
    for_each(on_, matrix_.size, Fill{x_, 0});
    for_each(on_, n, Copy{b, x_});
    solve_factored(on_, matrix_, x_);
    for_each(on_, n, Copy{x_, x});
    double failed;
    read(on_, failed_, 1, &failed);
    return failed == 0 ? 1 : 0;
  }
  bool is_iterative() const override { return false; }

 private:
  Executor& on_;
  const ResidentEquations& e_;
  const ResidentUnknowns<Executor>& unknowns_;
  Arena<Executor> arena_;
  std::int64_t num_pairs_;
  PairLists pairs_;
  double *couplings_, *blocks_, *folded_, *of_images_, *rows_;
  DenseMatrix matrix_;
  double *x_, *failed_;
};

}  // namespace fastcv::FASTCV_ISA::ba
