// SPDX-License-Identifier: Apache-2.0
// Splits the passes of marching cubes over threads and calls the leaf for this processor.
#include "voxels/marching_cubes.h"

#include "core/parallel.h"

#define FASTCV_LEAF "voxels/marching_cubes.leaf.h"
#include "core/leaf.h"

namespace fastcv::voxels {
namespace {

constexpr std::int64_t kBlocks = 512, kCandidates = 64;  // at a time

void classify(const Samples& samples, const Signs& signs, std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(voxels::classify_samples(samples, signs, begin, end));
}
void find(const Samples& samples, const Signs& signs, std::uint8_t* candidates, std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(voxels::find_candidates(samples, signs, candidates, begin, end));
}
void mark(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(voxels::mark_cells(samples, signs, surface, begin, end));
}
void count(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t* totals, std::int64_t begin,
           std::int64_t end) {
  FASTCV_DISPATCH(voxels::count_surface(samples, signs, surface, totals, begin, end));
}
void emit(const Samples& samples, const Signs& signs, const Surface& surface, const MeshArrays& mesh,
          std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(voxels::emit_surface(samples, signs, surface, mesh, begin, end));
}

}  // namespace

void classify_samples(const Samples& samples, const Signs& signs, int num_threads) {
  // Whole rows of blocks, so that memory is read in its order.
  const std::int64_t together = samples.blocks ? 1 : samples.blocks_along(2), ranges = samples.num_blocks / together;
  const std::int64_t grain = (kBlocks + together - 1) / together;
  parallel_for(ranges, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) classify(samples, signs, i * together, (i + 1) * together);
  });
}

void find_candidates(const Samples& samples, const Signs& signs, std::uint8_t* candidates, int num_threads) {
  parallel_for(samples.num_blocks, 16 * kBlocks, num_threads,
               [&](std::int64_t begin, std::int64_t end) { find(samples, signs, candidates, begin, end); });
}

void mark_cells(const Samples& samples, const Signs& signs, const Surface& surface, int num_threads) {
  parallel_for(surface.count, kCandidates * 8, num_threads,
               [&](std::int64_t begin, std::int64_t end) { mark(samples, signs, surface, begin, end); });
}

void count_surface(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t* totals,
                   int num_threads) {
  parallel_for(surface.count, kCandidates * 4, num_threads,
               [&](std::int64_t begin, std::int64_t end) { count(samples, signs, surface, totals, begin, end); });
}

void emit_surface(const Samples& samples, const Signs& signs, const Surface& surface, const MeshArrays& mesh,
                  int num_threads) {
  parallel_for(surface.count, kCandidates, num_threads,
               [&](std::int64_t begin, std::int64_t end) { emit(samples, signs, surface, mesh, begin, end); });
}

}  // namespace fastcv::voxels
