// SPDX-License-Identifier: Apache-2.0
// Splits rows into strips, hands them to threads and calls the leaf for this processor.
#include "mvs/soft_argmin.h"

#include <algorithm>

#include "core/parallel.h"
#include "mvs/soft_strip.h"
#include "mvs/tile.h"

#define FASTCV_LEAF "mvs/soft_argmin.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

void soft_argmin_strip(const SoftCosts& costs, const Tile& strip, const SoftDepth& out) {
  FASTCV_DISPATCH(mvs::soft_argmin(costs, strip, out));
}
void soft_argmin_vjp_strip(const SoftCosts& costs, const Tile& strip, const SoftDepthGrad& grad, View<float, 3> out) {
  FASTCV_DISPATCH(mvs::soft_argmin_vjp(costs, strip, grad, out));
}

template <class Run>
void for_each_soft_strip(const SoftCosts& costs, int num_threads, const Run& run) {
  const std::int64_t width = costs.costs.shape[2], strips = (width + kSoftStrip - 1) / kSoftStrip;
  const std::int64_t voxels = costs.costs.shape[0] * std::min(width, kSoftStrip);
  const std::int64_t grain = std::max<std::int64_t>(1, (1 << 19) / std::max<std::int64_t>(1, voxels));
  parallel_for(costs.costs.shape[1] * strips, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t x = i % strips * kSoftStrip;
      run(Tile{x, i / strips, std::min(kSoftStrip, width - x), 1});
    }
  });
}

}  // namespace

void soft_argmin(const SoftCosts& costs, const SoftDepth& out, int num_threads) {
  for_each_soft_strip(costs, num_threads, [&](const Tile& strip) { soft_argmin_strip(costs, strip, out); });
}

void soft_argmin_vjp(const SoftCosts& costs, const SoftDepthGrad& grad, View<float, 3> out, int num_threads) {
  for_each_soft_strip(costs, num_threads, [&](const Tile& strip) { soft_argmin_vjp_strip(costs, strip, grad, out); });
}

}  // namespace fastcv::mvs
