// SPDX-License-Identifier: Apache-2.0
// Splits rays over threads. Chunks keep the runs of their rays, which are few; once the numbers of samples have been
// added up in order, every chunk knows where to write its samples.
#include "nerf/march.h"

#include <algorithm>

#include "core/huge_pages.h"
#include "core/parallel.h"
#include "nerf/march.hd.h"

namespace fastcv::nerf {

MarchRuns march_count(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, std::int64_t capacity,
                      std::int64_t* offsets, std::int64_t* wanted, int num_threads) {
  constexpr std::int64_t kChunk = MarchRuns::kChunk;
  MarchRuns runs;
  runs.chunks.resize(static_cast<std::size_t>((rays.count + kChunk - 1) / kChunk));
  parallel_for(rays.count, kChunk, num_threads, [&](std::int64_t begin, std::int64_t end) {
    auto& chunk = runs.chunks[static_cast<std::size_t>(begin / kChunk)];
    for (std::int64_t i = begin; i < end; ++i) {
      const auto number = static_cast<std::int32_t>(i - begin);
      std::int64_t total = 0;
      const auto keep = [&](std::int32_t mark, std::int32_t count, bool goes_on) {
        total += count;
        if (goes_on) {
          chunk.back().count += count;
        } else {
          chunk.push_back({number, mark, count});
        }
      };
      generic::with_ray(grid, rays, steps, i, [&](const generic::MarchRay& ray, const auto& its_steps) {
        generic::march(grid, ray, its_steps, keep);
      });
      offsets[i + 1] = total;
    }
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
  constexpr std::int64_t kChunk = MarchRuns::kChunk;
  const auto total = static_cast<std::size_t>(offsets[rays.count]);
  advise_huge_pages(samples.starts, total * sizeof(float));
  advise_huge_pages(samples.ends, total * sizeof(float));
  advise_huge_pages(samples.ray_indices, total * sizeof(std::int32_t));
  if (samples.points != nullptr) advise_huge_pages(samples.points, 3 * total * sizeof(float));
  parallel_for(rays.count, kChunk, num_threads, [&](std::int64_t begin, std::int64_t) {
    const auto& chunk = runs.chunks[static_cast<std::size_t>(begin / kChunk)];
    for (std::size_t k = 0; k < chunk.size();) {
      const std::int64_t i = begin + chunk[k].ray;
      generic::with_ray(grid, rays, steps, i, [&](const generic::MarchRay& ray, auto its_steps) {
        std::int64_t at = offsets[i];
        for (; k < chunk.size() && chunk[k].ray == i - begin; ++k) {
          if (at == offsets[i + 1]) continue;  // beyond the capacity
          its_steps.seek(chunk[k].first);
          generic::write_samples(grid, ray, its_steps, i, chunk[k].count, samples, at);
          at += chunk[k].count;
        }
      });
    }
  });
}

}  // namespace fastcv::nerf
