// SPDX-License-Identifier: Apache-2.0
// Marching, one thread a ray: count, add up, fill. Nothing waits for the device.
#include <cub/device/device_scan.cuh>

#include "cuda/core/fixed_point.cuh"
#include "cuda/core/launch.cuh"
#include "cuda/nerf/march.h"
#include "nerf/march.hd.h"

namespace fastcv::cuda::nerf {
namespace {

template <class Steps>
struct CountRay {
  OccupancyGrid grid;
  MarchRays rays;
  MarchSteps steps;
  std::int64_t* counts;

  __device__ void operator()(std::int64_t i) const {
    std::int64_t total = 0;
    gpu::Walk<Steps> walk(grid, rays, steps, i);
    while (walk.steps.inside()) walk.advance(grid, [&](std::int32_t, std::int32_t count) { total += count; });
    counts[i] = total;
  }
};

// How many samples there are, and how many of them belong to rays that fit as a whole.
struct FindKept {
  const std::int64_t* offsets;
  std::int64_t rays, capacity;
  std::int64_t *wanted, *kept;

  __device__ void operator()(std::int64_t) const {
    std::int64_t low = 0, high = rays;  // the last offset that is within the capacity; the first one, 0, is
    while (low < high) {
      const std::int64_t middle = (low + high + 1) / 2;
      if (offsets[middle] <= capacity) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    *wanted = offsets[rays];
    *kept = offsets[low];
  }
};

struct LimitOffset {
  std::int64_t* offsets;
  const std::int64_t* kept;
  __device__ void operator()(std::int64_t i) const { offsets[i] = min(offsets[i], *kept); }
};

template <class Steps>
struct FillRay {
  OccupancyGrid grid;
  MarchRays rays;
  MarchSteps steps;
  const std::int64_t* offsets;
  MarchSamples samples;

  __device__ void operator()(std::int64_t i) const {
    std::int64_t at = offsets[i];
    if (at == offsets[i + 1]) return;
    gpu::Walk<Steps> walk(grid, rays, steps, i);
    Steps from = walk.steps;
    while (walk.steps.inside()) {
      walk.advance(grid, [&](std::int32_t mark, std::int32_t count) {
        from.seek(mark);
        gpu::write_samples(grid, walk.ray, from, i, count, samples, at);
        at += count;
      });
    }
  }
};

struct ClearRest {
  const std::int64_t* kept;
  MarchSamples samples;

  __device__ void operator()(std::int64_t i) const {
    if (i < *kept) return;
    samples.starts[i] = samples.ends[i] = 0;
    samples.ray_indices[i] = 0;
    for (int axis = 0; axis < 3 && samples.points != nullptr; ++axis) samples.points[3 * i + axis] = 0;
  }
};

}  // namespace

void march_count(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, std::int64_t capacity,
                 std::int64_t* offsets, std::int64_t* wanted, cudaStream_t stream) {
  const Zeros<std::int64_t> counts(rays.count + 1, stream);  // the last one stays 0
  gpu::with_steps<float>(steps, [&]<class Steps>() {
    for_each(rays.count, CountRay<Steps>{grid, rays, steps, counts.get()}, stream);
  });
  std::size_t bytes = 0;
  check(cub::DeviceScan::ExclusiveSum(nullptr, bytes, counts.get(), offsets, rays.count + 1, stream), "ExclusiveSum");
  const Zeros<std::uint8_t> scratch(static_cast<std::int64_t>(bytes), stream);
  check(cub::DeviceScan::ExclusiveSum(scratch.get(), bytes, counts.get(), offsets, rays.count + 1, stream),
        "ExclusiveSum");
  const Zeros<std::int64_t> kept(1, stream);
  for_each(1, FindKept{offsets, rays.count, capacity, wanted, kept.get()}, stream);
  for_each(rays.count + 1, LimitOffset{offsets, kept.get()}, stream);
}

void march_fill(const OccupancyGrid& grid, const MarchRays& rays, const MarchSteps& steps, const std::int64_t* offsets,
                const MarchSamples& samples, std::int64_t capacity, cudaStream_t stream) {
  gpu::with_steps<float>(steps, [&]<class Steps>() {
    for_each(rays.count, FillRay<Steps>{grid, rays, steps, offsets, samples}, stream);
  });
  for_each(capacity, ClearRest{offsets + rays.count, samples}, stream);
}

}  // namespace fastcv::cuda::nerf
