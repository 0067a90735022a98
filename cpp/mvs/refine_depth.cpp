// SPDX-License-Identifier: Apache-2.0
// The refinement's iterations, rows handed to threads.
#include "mvs/refine_depth.h"

#include "core/parallel.h"
#include "mvs/refine_pixel.hd.h"

#define FASTCV_LEAF "mvs/refine_depth.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

void start_row(const Refinement& refinement, const RefinedMap& map, std::int32_t y) {
  FASTCV_DISPATCH(mvs::start_row(refinement, map, y));
}
void update_row(const Refinement& refinement, const PlaneMap& map, int iteration, int color, std::int32_t y) {
  FASTCV_DISPATCH(mvs::update_row(refinement, map, iteration, color, y));
}

}  // namespace

void refine_depth(Refinement refinement, const RefinedMap& map, int num_iterations, int num_threads) {
  set_weights(refinement);
  const PlaneMap planes = plane_map(map);
  const std::int64_t height = map.depth.shape[0], width = map.depth.shape[1];
  const auto for_rows = [&](const auto& run) {
    parallel_for(height, 1, num_threads, [&](std::int64_t y, std::int64_t) { run(static_cast<std::int32_t>(y)); });
  };
  for_rows([&](std::int32_t y) { start_row(refinement, map, y); });
  for (int iteration = 0; iteration < num_iterations; ++iteration) {
    for (int color = 0; color < 2; ++color) {
      for_rows([&](std::int32_t y) { update_row(refinement, planes, iteration, color, y); });
    }
  }
  for_rows([&](std::int32_t y) {
    for (std::int64_t i = y * width; i < (y + 1) * width; ++i) generic::finish_pixel(refinement, map, i);
  });
}

}  // namespace fastcv::mvs
