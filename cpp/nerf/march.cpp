// SPDX-License-Identifier: Apache-2.0
// Splits rays over threads. Runs of samples are kept, which are few; once the numbers of samples have been added up in
// order, every ray knows where to write its own.
#include "nerf/march.h"

#include "core/huge_pages.h"
#include "core/parallel.h"
#include "nerf/march.hd.h"

namespace fastcv::nerf {
namespace {

constexpr std::int64_t kLane = 256;  // rays

// Rays one after the other, a cube at a time. Where the next cube is depends on this one, and a processor waits; with
// the cubes of another lane in between it has something else to do: 1.3 times the rays.
template <class Steps>
class Lane {
 public:
  Lane(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& options, std::int64_t begin,
       std::int64_t end, std::int64_t* counts, std::vector<MarchRun>& runs)
      : grid_(grid),
        rays_(rays),
        options_(options),
        end_(end),
        counts_(counts),
        runs_(runs),
        ray_(begin),
        walk_(grid, rays, options, begin) {}

  // False after the last ray.
  bool advance() {
    if (!walk_.steps.inside()) return next_ray();
    occupied_ = walk_.advance(grid_, [&](std::int32_t mark, std::int32_t count) {
      total_ += count;
      if (occupied_) {
        runs_.back().count += count;
      } else {
        runs_.push_back({ray_, mark, count});
      }
    });
    return true;
  }

 private:
  bool next_ray() {
    counts_[ray_] = total_;
    total_ = 0;
    occupied_ = false;
    if (++ray_ == end_) return false;
    walk_ = generic::Walk<Steps>(grid_, rays_, options_, ray_);
    return true;
  }

  const OccupancyGrid& grid_;
  const MarchRays& rays_;
  const MarchSteps& options_;
  const std::int64_t end_;
  std::int64_t* const counts_;
  std::vector<MarchRun>& runs_;
  std::int64_t ray_;
  generic::Walk<Steps> walk_;
  std::int64_t total_ = 0;
  bool occupied_ = false;  // the cube before this one
};

template <class Steps>
void march_two_lanes(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& options, std::int64_t begin,
                     std::int64_t end, std::int64_t* counts, std::vector<MarchRun>* runs) {
  const std::int64_t middle = begin + kLane < end ? begin + kLane : end;
  Lane<Steps> first(grid, rays, options, begin, middle, counts, runs[0]);
  bool more = true;
  if (middle < end) {
    Lane<Steps> second(grid, rays, options, middle, end, counts, runs[1]);
    bool more_of_second = true;
    while (more && more_of_second) {
      more = first.advance();
      more_of_second = second.advance();
    }
    while (more_of_second) more_of_second = second.advance();
  }
  while (more) more = first.advance();
}

}  // namespace

MarchRuns march_count(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, std::int64_t capacity,
                      std::int64_t* offsets, std::int64_t* wanted, int num_threads) {
  MarchRuns runs(static_cast<std::size_t>((rays.count + kLane - 1) / kLane));
  generic::with_steps(steps, [&]<class Steps>() {
    parallel_for(rays.count, 2 * kLane, num_threads, [&](std::int64_t begin, std::int64_t end) {
      march_two_lanes<Steps>(grid, rays, steps, begin, end, offsets + 1,
                             &runs[static_cast<std::size_t>(begin / kLane)]);
    });
  });
  offsets[0] = *wanted = 0;
  for (std::int64_t i = 0; i < rays.count; ++i) {
    *wanted += offsets[i + 1];
    offsets[i + 1] = *wanted <= capacity ? *wanted : offsets[i];
  }
  return runs;
}

void march_fill(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, const MarchRuns& runs,
                const std::int64_t* offsets, const MarchSamples& samples, int num_threads) {
  const auto total = static_cast<std::size_t>(offsets[rays.count]);
  advise_huge_pages(samples.starts, total * sizeof(float));
  advise_huge_pages(samples.ends, total * sizeof(float));
  advise_huge_pages(samples.ray_indices, total * sizeof(std::int32_t));
  if (samples.points != nullptr) advise_huge_pages(samples.points, 3 * total * sizeof(float));
  const auto fill_ray = [&]<class Steps>(const MarchRun* run, const MarchRun* end) {
    generic::Walk<Steps> walk(grid, rays, steps, run->ray);
    for (std::int64_t at = offsets[run->ray]; run != end; at += run->count, ++run) {
      walk.steps.seek(run->first);
      generic::write_samples(grid, walk.ray, walk.steps, run->ray, run->count, samples, at);
    }
  };
  generic::with_steps(steps, [&]<class Steps>() {
    parallel_for(static_cast<std::int64_t>(runs.size()), 2, num_threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t lane = begin; lane < end; ++lane) {
        const std::vector<MarchRun>& its_runs = runs[static_cast<std::size_t>(lane)];
        const MarchRun *run = its_runs.data(), *last = run + its_runs.size();
        while (run != last) {
          const MarchRun* next = run;
          while (next != last && next->ray == run->ray) ++next;
          const bool kept = offsets[run->ray] < offsets[run->ray + 1];  // within the capacity
          if (kept) fill_ray.template operator()<Steps>(run, next);
          run = next;
        }
      }
    });
  });
}

}  // namespace fastcv::nerf
