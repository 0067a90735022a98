// SPDX-License-Identifier: Apache-2.0
// Sums of n neighbours by doubling: O(log n) additions each, nothing is ever subtracted, and the order of additions
// depends on n alone, so that tiles and vectors do not change a bit.
#pragma once

#include <cstdint>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

// Sum i is that of elements i to i + n - 1, for i < count. get and set access `step` elements at a time, which are
// lost; get_sum and set_sum the sums.
template <class Get, class Set, class GetSum, class SetSum>
FASTCV_HD void sums_by_doubling(std::int64_t count, int n, int step, const Get& get, const Set& set,
                                const GetSum& get_sum, const SetSum& set_sum) {
  std::int64_t done = 0;
  for (int width = 1; width <= n; width *= 2) {
    if ((n & width) != 0) {
      for (std::int64_t i = 0; i < count; i += step) {
        set_sum(i, done == 0 ? get(i) : get_sum(i) + get(i + done));
      }
      done += width;
    }
    if (2 * width > n) break;
    // Those that are still wanted; none is read as an old one after it was changed.
    for (std::int64_t i = 0; i < count + n - 2 * width; i += step) set(i, get(i) + get(i + width));
  }
}

}  // namespace fastcv::FASTCV_ISA
