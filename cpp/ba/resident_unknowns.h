// SPDX-License-Identifier: Apache-2.0
// From the unknowns of the resident solver to the columns of its images, and back. Nothing else knows what lies
// between.
#pragma once

#include "ba/resident_lists.h"
#include "ba/resident_unknowns.hd.h"
#include "core/executor.h"

namespace fastcv::FASTCV_ISA::ba {

template <class Executor>
class ResidentUnknowns {
 public:
  ResidentUnknowns(Executor& on, const fastcv::ba::ResidentLists& lists, int columns)
      : on_(on),
        arena_(on),
        num_images_(static_cast<std::int64_t>(lists.unknown_of.size()) / lists.width),
        count_(static_cast<std::int64_t>(lists.node_of.size())),
        num_many_(static_cast<std::int64_t>(lists.shared_by_many.size())),
        has_rigs_(lists.width > columns),
        many_(arena_.upload(lists.shared_by_many)),
        lists_{arena_.upload(lists.unknown_of), arena_.upload(lists.slot_begin), arena_.upload(lists.slots)},
        rigs_{columns, lists.width, arena_.upload(lists.frames), arena_.upload(lists.sensors), nullptr} {
    if (!has_rigs_) return;
    rigs_.maps = arena_.template allocate<PoseMap>(num_images_);
    slots_ = arena_.template allocate<double>(num_slots());
    blocks_ = arena_.template allocate<double>(num_slots() * width());
  }

  std::int64_t count() const { return count_; }
  std::int64_t width() const { return rigs_.width; }
  std::int64_t num_slots() const { return num_images_ * width(); }  // of all images
  bool has_rigs() const { return has_rigs_; }
  const UnknownLists& lists() const { return lists_; }
  const RigMaps& rigs() const { return rigs_; }

  // Where rigs and sensors stand.
  void stand_at(const double* rig_from_world, const double* sensor_from_rig) const {
    if (has_rigs_) for_each(on_, num_images_, StandAt{rigs_, rig_from_world, sensor_from_rig});
  }
  void spread(const double* unknowns, double* of_images) const {
    double* slots = has_rigs_ ? slots_ : of_images;
    for_each(on_, num_slots(), Spread{lists_, unknowns, slots});
    if (has_rigs_) for_each(on_, num_images_, PushPoses{rigs_, slots, of_images});
  }
  void gather(const double* of_images, double* unknowns) const {
    if (has_rigs_) for_each(on_, num_images_, PullPoses{rigs_, of_images, slots_});
    gather_slots(has_rigs_ ? slots_ : of_images, unknowns);
  }
  // Of Eᵀ block E, summed over images; `diagonal` holds that of the blocks.
  void gather_diagonal(const double* blocks, const double* diagonal, double* unknowns) const {
    if (has_rigs_) for_each(on_, num_slots(), BlockDiagonals{rigs_.width, fold(blocks), slots_});
    gather_slots(has_rigs_ ? slots_ : diagonal, unknowns);
  }
  // Eᵀ block E of every image with itself: the blocks themselves where there is nothing to do.
  const double* fold(const double* blocks) const {
    if (!has_rigs_) return blocks;
    for_each(on_, num_slots() * width(), FoldBlocks{rigs_, nullptr, nullptr, blocks, blocks_});
    return blocks_;
  }

 private:
  void gather_slots(const double* slots, double* unknowns) const {
    for_each(on_, count_, Gather{lists_, 1, fastcv::ba::ResidentLists::kMany, slots, unknowns});
    sum_rows(on_, num_many_, GatherMany{lists_, many_, slots, unknowns});
  }

  Executor& on_;
  Arena<Executor> arena_;
  std::int64_t num_images_, count_, num_many_;
  bool has_rigs_;
  const std::int64_t* many_;
  UnknownLists lists_;
  RigMaps rigs_;
  double *slots_ = nullptr, *blocks_ = nullptr;
};

}  // namespace fastcv::FASTCV_ISA::ba
