// SPDX-License-Identifier: Apache-2.0
// Rays in the lanes of vectors, each on its own way: a lane whose ray has ended takes the next one. Compiled once per
// instruction set.
#include "nerf/march.hd.h"
// The declarations come after what they mention.
#include "nerf/march.leaf.h"

namespace fastcv::FASTCV_ISA::nerf {
namespace {

using fastcv::nerf::MarchTask;

void put(MarchRay<Floats>& all, int lane, const MarchRay<float>& one) {
  for (int axis = 0; axis < 3; ++axis) {
    all.origin[axis][lane] = one.origin[axis];
    all.direction[axis][lane] = one.direction[axis];
    all.inverse[axis][lane] = one.inverse[axis];
  }
}
void put(EvenSteps<Floats>& all, int lane, const EvenSteps<float>& one) {
  all.step = one.step;
  all.per_length = one.per_length;
  all.begin[lane] = one.begin;
  all.i[lane] = one.i;
  all.count[lane] = one.count;
  all.level[lane] = one.level;
}
void put(GrowingSteps<Floats>& all, int lane, const GrowingSteps<float>& one) {
  all.steps = one.steps;
  all.doubled_cells = one.doubled_cells;
  all.coarsest = one.coarsest;
  all.t[lane] = one.t;
  all.length[lane] = one.length;
  all.last[lane] = one.last;
  all.level[lane] = one.level;
}

template <template <class> class Steps>
class Lanes {
 public:
  explicit Lanes(const MarchTask& task) : task_(task), next_(task.begin) {
    for (int lane = 0; lane < kLanes; ++lane) start_ray(lane);
  }

  void run() {
    while (any(alive_)) {
      const Stay<Floats> stay = stay_at(task_.grid, ray_, steps_.middle(), steps_.level);
      const Ints mark = steps_.mark(), passed = steps_.pass(stay.distance);
      const Ints occupied = stay.occupied & alive_;
      first_ = select(occupied & ~within_, mark, first_);
      length_ = select(occupied, (length_ & within_) + passed, length_);
      total_ += occupied & passed;
      const Ints ended = alive_ & ~(Ints)steps_.inside(), closed = (within_ & ~occupied) | (ended & occupied);
      within_ = occupied;
      if (any(closed | ended)) settle(closed, ended);
    }
  }

 private:
  void settle(Ints closed, Ints ended) {
    for (int lane = 0; lane < kLanes; ++lane) {
      if (closed[lane]) task_.push(task_.runs, lane, {ray_of_[lane], first_[lane], length_[lane]});
      if (!ended[lane]) continue;
      task_.counts[ray_of_[lane]] = total_[lane];
      start_ray(lane);
    }
  }

  // The next one that has any steps, if there is one.
  void start_ray(int lane) {
    alive_[lane] = within_[lane] = total_[lane] = 0;
    for (; next_ < task_.end; ++next_) {
      const Walk<Steps<float>> walk(task_.grid, task_.rays, task_.steps, next_);
      task_.counts[next_] = 0;
      if (!walk.steps.inside()) continue;
      put(ray_, lane, walk.ray);
      put(steps_, lane, walk.steps);
      ray_of_[lane] = next_++;
      alive_[lane] = -1;
      return;
    }
  }

  const MarchTask& task_;
  std::int64_t next_, ray_of_[kLanes] = {};
  MarchRay<Floats> ray_{};
  Steps<Floats> steps_{};
  Ints alive_{}, within_{};  // masks: has a ray; its last cube was set
  Ints first_{}, length_{};  // of the run that it is within
  Ints total_{};
};

}  // namespace

void march_rays(const MarchTask& task) {
  if (task.steps.cone_angle > 0) {
    Lanes<GrowingSteps>(task).run();
  } else {
    Lanes<EvenSteps>(task).run();
  }
}

}  // namespace fastcv::FASTCV_ISA::nerf
