// SPDX-License-Identifier: Apache-2.0
// Splits rays over threads. Runs of samples are kept, which are few; once the numbers of samples have been added up in
// order, every ray knows where to write its own.
#include "nerf/march.h"

#include <algorithm>

#include "core/huge_pages.h"
#include "core/parallel.h"
#include "nerf/march.hd.h"

#define FASTCV_LEAF "nerf/march.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

// Rays that a thread takes at a time: many for each lane, so that few lanes wait for the last ones, but there should be
// work for every thread. No result depends on it.
std::int64_t task_size(std::int64_t rays, int num_threads) {
  constexpr std::int64_t kLeast = 8 * kMostLanes, kMost = 1024;
  if (num_threads <= 0) num_threads = default_num_threads();
  return std::clamp(rays / (4 * std::int64_t(num_threads)), kLeast, kMost);
}

void march_rays(const MarchTask& task) { FASTCV_DISPATCH(nerf::march_rays(task)); }

void push(void* runs, int lane, const MarchRun& run) { static_cast<std::vector<MarchRun>*>(runs)[lane].push_back(run); }

// All runs of a ray, from `run` to `end`.
template <class Steps>
void fill_ray(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& options, const MarchRun* run,
              const MarchRun* end, std::int64_t at, const MarchSamples& samples) {
  generic::Walk<Steps> walk(grid, rays, options, run->ray);
  for (; run != end; at += run->count, ++run) {
    walk.steps.seek(run->first);
    generic::write_samples(grid, walk.ray, walk.steps, run->ray, run->count, samples, at);
  }
}

}  // namespace

MarchRuns march_count(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, std::int64_t capacity,
                      std::int64_t* offsets, std::int64_t* wanted, int num_threads) {
  const std::int64_t size = task_size(rays.count, num_threads), tasks = (rays.count + size - 1) / size;
  MarchRuns runs(static_cast<std::size_t>(tasks * kMostLanes));
  parallel_for(rays.count, size, num_threads, [&](std::int64_t begin, std::int64_t end) {
    march_rays(
        {grid, rays, steps, begin, end, offsets + 1, &runs[static_cast<std::size_t>(begin / size * kMostLanes)], push});
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
  generic::with_steps<float>(steps, [&]<class Steps>() {
    parallel_for(static_cast<std::int64_t>(runs.size()), kMostLanes, num_threads,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t lane = begin; lane < end; ++lane) {
                     const std::vector<MarchRun>& its_runs = runs[static_cast<std::size_t>(lane)];
                     const MarchRun *run = its_runs.data(), *last = run + its_runs.size();
                     while (run != last) {
                       const std::int64_t ray = run->ray;
                       const MarchRun* next = run;
                       while (next != last && next->ray == ray) ++next;
                       const bool kept = offsets[ray] < offsets[ray + 1];  // within the capacity
                       if (kept) fill_ray<Steps>(grid, rays, steps, run, next, offsets[ray], samples);
                       run = next;
                     }
                   }
                 });
  });
}

}  // namespace fastcv::nerf
