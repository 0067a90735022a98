// SPDX-License-Identifier: Apache-2.0
// Refinement of one row of pixels, compiled once per instruction set.
#include "core/interrupt.h"
#include "mvs/refine_pixel.hd.h"
// The declarations come after what they mention.
#include "mvs/refine_depth.leaf.h"

namespace fastcv::FASTCV_ISA::mvs {
namespace {

// run(x, count) for vectors of every `step`-th pixel of a row; lanes beyond its end repeat the last pixel.
template <class Run>
void for_lanes(std::int32_t first, std::int32_t step, std::int64_t width, const Run& run) {
  const auto num = static_cast<std::int32_t>((width - first + step - 1) / step);
  for (std::int32_t done = 0; done < num; done += kLanes) {
    poll_interrupt();  // a row of many sources takes long
    const Ints lane = smaller(done + lane_indices(), Ints{} + (num - 1));
    run(first + step * lane, num - done < kLanes ? num - done : kLanes);
  }
}

}  // namespace

void start_row(const fastcv::mvs::Refinement& refinement, const fastcv::mvs::RefinedMap& map, std::int32_t y) {
  for_lanes(0, 1, map.depth.shape[1], [&](Ints x, int count) { start_pixels<Floats>(refinement, map, x, y, count); });
}

void update_row(const fastcv::mvs::Refinement& refinement, const fastcv::mvs::PlaneMap& map, int iteration, int color,
                std::int32_t y) {
  for_lanes((y + color) & 1, 2, map.cost.shape[1],
            [&](Ints x, int count) { update_pixels<Floats>(refinement, map, iteration, x, y, count); });
}

}  // namespace fastcv::FASTCV_ISA::mvs
