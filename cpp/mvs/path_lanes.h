// SPDX-License-Identifier: Apache-2.0
// Paths of semi-global matching over vectors of bytes: along a row, and from row to row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mvs/byte_lanes.h"
#include "mvs/semi_global.hd.h"

namespace fastcv::FASTCV_ISA {

// Takes a path to the next pixel: its costs `state`, whose smallest is in all lanes of `from`, become those of that
// pixel. What it adds to the pixel's cost is added to `sum`, up to 255, or starts it.
template <bool Start>
FASTCV_HD Bytes advance(const std::uint8_t* cost, int num_vectors, Bytes p1, Bytes p2, Bytes from, std::uint8_t* state,
                        std::uint8_t* sum) {
  Bytes before = splat_byte(kWall), here = load<Bytes>(state), smallest_yet = before;
  for (int v = 0; v < num_vectors; ++v) {
    const int d = v * kBytes;
    const Bytes after = v + 1 < num_vectors ? load<Bytes>(state + d + kBytes) : splat_byte(kWall);
    const Bytes step = path_step(here, shifted_up(before, here), shifted_down(here, after), from, p1, p2);
    const Bytes now = plus(load<Bytes>(cost + d), step);
    store(state + d, now);
    store(sum + d, Start ? step : plus(load<Bytes>(sum + d), step));
    smallest_yet = smaller(smallest_yet, now);
    before = here;
    here = after;
  }
  return splat_smallest(smallest_yet);
}

// The paths that come from the row before, by whichever rows are at work: straight, from the left and from the right.
// A diagonal path keeps its costs in one slot, `num_slots` of them, used in turns: as many as columns and one more for
// every row that may be at work.
class PathsFromAbove {
 public:
  static std::int64_t bytes(std::int64_t num_slots, std::int64_t depth) { return 3 * num_slots * (depth + 1); }

  // In the given row, before column x. depth: bytes a path. Memory is 0 before the first row.
  PathsFromAbove(std::byte* memory, std::int64_t num_slots, std::int64_t depth, std::int64_t width, std::int64_t row,
                 std::int64_t x)
      : states_(reinterpret_cast<std::uint8_t*>(memory)),
        leasts_(states_ + 3 * num_slots * depth),
        slots_(num_slots),
        depth_(depth),
        width_(width),
        from_left_((x + num_slots - row % num_slots) % num_slots),
        from_right_((x + row) % num_slots) {}

  // To column x, the one after the last one. What the paths add to the cost is added to `sum`.
  FASTCV_HD void advance_to(std::int64_t x, const std::uint8_t* cost, int num_vectors, Bytes p1, Bytes p2,
                            std::uint8_t* sum) {
    if (x == 0) restart(slots_ + from_left_);
    if (x == width_ - 1) restart(2 * slots_ + from_right_);
    advance_one(x, cost, num_vectors, p1, p2, sum);
    advance_one(slots_ + from_left_, cost, num_vectors, p1, p2, sum);
    advance_one(2 * slots_ + from_right_, cost, num_vectors, p1, p2, sum);
    from_left_ = from_left_ + 1 < slots_ ? from_left_ + 1 : 0;
    from_right_ = from_right_ + 1 < slots_ ? from_right_ + 1 : 0;
  }

 private:
  // A path that starts at the border adds nothing there: costs of 0 before it.
  void restart(std::int64_t slot) {
    __builtin_memset(states_ + slot * depth_, 0, depth_);
    leasts_[slot] = 0;
  }
  FASTCV_HD void advance_one(std::int64_t slot, const std::uint8_t* cost, int num_vectors, Bytes p1, Bytes p2,
                             std::uint8_t* sum) {
    leasts_[slot] =
        advance<false>(cost, num_vectors, p1, p2, splat_byte(leasts_[slot]), states_ + slot * depth_, sum)[0];
  }

  std::uint8_t *states_, *leasts_;
  std::int64_t slots_, depth_, width_, from_left_, from_right_;
};

}  // namespace fastcv::FASTCV_ISA
