// SPDX-License-Identifier: Apache-2.0
// Splits a step of Adam over threads and calls the leaf for this processor.
#include "nerf/adam.h"

#include <algorithm>
#include <atomic>

#include "core/parallel.h"
#include "nerf/adam.hd.h"

#define FASTCV_LEAF "nerf/adam.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

constexpr std::int64_t kValues = 1 << 16;  // that a thread takes at a time

void step_rows(const AdamStep& adam, std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(nerf::adam_step(adam, begin, end));
}
bool any_nonfinite(const void* values, Storage type, std::int64_t begin, std::int64_t end) {
  FASTCV_DISPATCH(nerf::any_nonfinite(values, type, begin, end));
}

}  // namespace

void adam_step(const AdamStep& given, int num_threads) {
  AdamStep adam = given;
  if (!adam.skip_untouched) {
    adam.rows *= adam.width;
    adam.width = 1;
  }
  generic::count_step(adam);
  parallel_for(adam.rows, std::max<std::int64_t>(16, kValues / std::max<std::int64_t>(adam.width, 1)), num_threads,
               [&](std::int64_t begin, std::int64_t end) { step_rows(adam, begin, end); });
}

void mark_nonfinite(const void* values, Storage type, std::int64_t count, float* found, int num_threads) {
  std::atomic<bool> any{false};
  parallel_for(count, kValues, num_threads, [&](std::int64_t begin, std::int64_t end) {
    if (any_nonfinite(values, type, begin, end)) any = true;
  });
  if (any) *found = 1.0F;
}

}  // namespace fastcv::nerf
