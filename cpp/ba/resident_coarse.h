// SPDX-License-Identifier: Apache-2.0
// The second level of the resident solver's preconditioner.
#pragma once

#include "ba/cluster_lists.h"
#include "ba/resident_coarse.hd.h"
#include "ba/resident_unknowns.h"
#include "core/executor.h"

namespace fastcv::FASTCV_ISA::ba {

template <class Executor>
PairLists upload_pairs(Arena<Executor>& to, const fastcv::ba::ObservationPairs& pairs) {
  return {to.upload(pairs.begin), to.upload(pairs.first.data(), pairs.first.size()),
          to.upload(pairs.second.data(), pairs.second.size()), to.upload(pairs.later), to.upload(pairs.earlier)};
}

template <class Executor>
class ResidentCoarse {
 public:
  ResidentCoarse(Executor& on, const ResidentEquations& e, const ResidentUnknowns<Executor>& unknowns,
                 const fastcv::ba::ClusterLists& lists)
      : on_(on), e_(e), unknowns_(unknowns), arena_(on), num_unknowns_(lists.num_unknowns()) {
    const auto doubles = [this](std::int64_t size) { return arena_.template allocate<double>(size); };
    a_ = {lists.num_clusters,
          lists.columns,
          arena_.upload(lists.cluster_of),
          arena_.upload(lists.places),
          arena_.upload(lists.unknowns_begin),
          arena_.upload(lists.frames_begin),
          arena_.upload(lists.images_begin),
          arena_.upload(lists.unknowns),
          arena_.upload(lists.frames),
          arena_.upload(lists.images),
          arena_.upload(lists.meeting_points),
          arena_.upload(lists.observations_begin),
          arena_.upload(lists.observations),
          doubles(unknowns.count() * lists.columns)};
    num_meetings_ = static_cast<std::int64_t>(lists.meeting_points.size());
    num_pairs_ = static_cast<std::int64_t>(lists.pairs->later.size());
    pairs_ = upload_pairs(arena_, *lists.pairs);
    const std::int64_t size = std::int64_t(a_.columns) * a_.columns;
    matrix_.size = (num_unknowns_ + kTile - 1) / kTile * kTile;
    matrix_.with_identity = true;
    matrix_.values = doubles(matrix_.num_values());
    centers_ = doubles(3 * a_.num_clusters);
    of_clusters_ = doubles(size * a_.num_clusters);
    image_modes_ = doubles(e.num_images * e.columns * a_.columns);
    couplings_ = doubles(3 * a_.columns * num_meetings_);
    blocks_ = doubles(size * num_pairs_);
    y_ = doubles(matrix_.size);
    w_ = doubles(matrix_.size);
  }

  // Factors Pᵀ (scale U - W V⁻¹ Wᵀ + damping) P about these poses; *failed becomes 1 where it is not positive definite.
  void prepare(const double* frames, double scale, const double* damping, double* failed) {
    make_modes(frames, damping);
    for_each(on_, e_.num_images * e_.columns * a_.columns,
             ImageModes{a_, unknowns_.rigs(), unknowns_.lists().unknown_of, image_modes_});
    sum_rows(on_, a_.num_clusters, ClusterHessians{e_, a_, image_modes_, of_clusters_});
    for_each(on_, num_meetings_ * a_.columns, MeetingCouplings{e_, a_, image_modes_, couplings_});
    sum_rows(on_, num_pairs_, SchurBlocks{a_.columns, pairs_, couplings_, of_clusters_, scale, blocks_});
    for_each(on_, matrix_.num_values(), StartCoarse{matrix_});
    for_each(on_, num_pairs_ * a_.columns * a_.columns, AddBlocks{pairs_, a_.columns, blocks_, matrix_});
    factor(on_, matrix_, failed);
  }

  // P (Pᵀ (S + damping) P)⁻¹ Pᵀ r.
  Correction correct(const double* r) {
    sum_rows(on_, a_.num_clusters, Restrict{a_, r, y_});
    sum_rows(on_, matrix_.size / TimesTransposed::kColumns, TimesTransposed{matrix_, num_unknowns_, y_, w_});
    sum_rows(on_, num_unknowns_, TimesInverse{matrix_, num_unknowns_, w_, y_});
    return {a_, y_};
  }

 private:
  void make_modes(const double* frames, const double* damping) {
    sum_rows(on_, a_.num_clusters, ClusterCenters{a_, frames, centers_});
    for_each(on_, unknowns_.count(), StartModes{a_, frames, centers_});
    sum_rows(on_, a_.num_clusters, GramMatrices{a_, damping, of_clusters_});
    for_each(on_, a_.num_clusters, Orthonormalize{a_.columns, of_clusters_});
    for_each(on_, unknowns_.count(), CombineModes{a_, of_clusters_});
  }

  Executor& on_;
  const ResidentEquations& e_;
  const ResidentUnknowns<Executor>& unknowns_;
  Arena<Executor> arena_;
  ClusterArrays a_;
  std::int64_t num_unknowns_, num_meetings_, num_pairs_;
  PairLists pairs_;
  DenseMatrix matrix_;
  double *centers_, *of_clusters_, *image_modes_, *couplings_, *blocks_, *y_, *w_;
};

}  // namespace fastcv::FASTCV_ISA::ba
