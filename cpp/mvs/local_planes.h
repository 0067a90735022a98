// SPDX-License-Identifier: Apache-2.0
// Which planes a level of a pyramid has: plain data, valid in a CUDA kernel.
#pragma once

#include <cstdint>

namespace fastcv::mvs {

// Multiples of one step of inverse depth, of which the level has those from first to last. A pixel looks at num
// surfaces that lie a step apart, but not at multiples of it.
struct LocalPlanes {
  float step;
  std::int32_t first, last, num;
};

}  // namespace fastcv::mvs
