// SPDX-License-Identifier: Apache-2.0
// Regions of a disparity map as a forest over its pixels, which threads grow together, and the filling of one row.
#pragma once

#include "core/host_device.h"
#include "core/view.h"
#include "mvs/disparity.h"

namespace fastcv::FASTCV_ISA {

#ifdef __CUDA_ARCH__
FASTCV_HD std::int32_t load_shared(const std::int32_t* from) {
  return *static_cast<const volatile std::int32_t*>(from);
}
FASTCV_HD std::int32_t exchange_if(std::int32_t* at, std::int32_t expected, std::int32_t value) {
  return atomicCAS(at, expected, value);
}
FASTCV_HD void add_shared(std::int32_t* at, std::int32_t value) { atomicAdd(at, value); }
#else
FASTCV_HD std::int32_t load_shared(const std::int32_t* from) { return __atomic_load_n(from, __ATOMIC_RELAXED); }
// What was there.
FASTCV_HD std::int32_t exchange_if(std::int32_t* at, std::int32_t expected, std::int32_t value) {
  __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
FASTCV_HD void add_shared(std::int32_t* at, std::int32_t value) { __atomic_fetch_add(at, value, __ATOMIC_RELAXED); }
#endif

// A pixel's parent is never behind it; a root, its own parent, stands for its region. The roots do not depend on the
// order in which threads join pixels, for each is the first pixel of its region.
struct Regions {
  mvs::DisparityMap map;
  std::int32_t *parent, *size;
  float max_step;

  FASTCV_HD bool joined(std::int64_t i, std::int64_t j) const {
    const float step = map.disparity.data[i] - map.disparity.data[j];
    return (step <= max_step) & (-step <= max_step);  // never with NaN
  }
  FASTCV_HD std::int32_t root(std::int64_t i) const {
    auto at = static_cast<std::int32_t>(i);
    for (std::int32_t next = load_shared(parent + at); next != at; next = load_shared(parent + at)) at = next;
    return at;
  }
  // Lock-free union: the later one of two roots gets the earlier one as its parent.
  FASTCV_HD void unite(std::int64_t i, std::int64_t j) const {
    std::int32_t a = root(i), b = root(j);
    while (a != b) {
      const std::int32_t late = a > b ? a : b, early = a > b ? b : a, was = exchange_if(parent + late, late, early);
      if (was == late) return;
      a = root(was);
      b = early;
    }
  }
  FASTCV_HD void begin(std::int64_t i) const {
    parent[i] = static_cast<std::int32_t>(i);
    size[i] = 0;
  }
  // With the neighbour on the left and, where the way over that one's upper neighbour is broken, the one above.
  FASTCV_HD void join(std::int64_t i) const {
    const std::int64_t width = map.disparity.shape[1];
    const bool left = i % width > 0 && joined(i, i - 1);
    if (left) unite(i, i - 1);
    if (i < width || !joined(i, i - width)) return;
    if (!(left && joined(i - 1, i - 1 - width) && joined(i - width, i - 1 - width))) unite(i, i - width);
  }
  FASTCV_HD void remove(std::int64_t i, std::int64_t min_pixels) const {
    if (size[root(i)] >= min_pixels) return;
    map.disparity.data[i] = __builtin_nanf("");
    map.confidence.data[i] = 0;
  }
};

struct FillRow {
  View<const float, 2> disparity;
  View<float, 2> out;

  FASTCV_HD void operator()(std::int64_t y) const {
    const std::int64_t width = disparity.shape[1];
    float nearest = __builtin_nanf("");
    for (std::int64_t x = 0; x < width; ++x) {
      const float value = disparity(y, x);
      nearest = value == value ? value : nearest;
      out(y, x) = nearest;
    }
    nearest = __builtin_nanf("");
    for (std::int64_t x = width; x-- > 0;) {
      const float value = disparity(y, x), from_left = out(y, x);
      nearest = value == value ? value : nearest;
      out(y, x) = from_left <= nearest || nearest != nearest ? from_left : nearest;
    }
  }
};

}  // namespace fastcv::FASTCV_ISA
