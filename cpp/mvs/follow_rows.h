// SPDX-License-Identifier: Apache-2.0
// Hands rows to threads where each follows the one before at a distance, as paths from row to row want it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "core/interrupt.h"
#include "core/parallel.h"

namespace fastcv::mvs {

// How many columns a row has done. Rows are begun in order, so the one that is waited for is at work already.
class RowProgress {
 public:
  void wait_for(std::int64_t columns) const {
    constexpr int kSpins = 256;  // some microseconds, as much as the row before needs for the next columns
    for (int spin = 0; columns_.load(std::memory_order_acquire) < columns; ++spin) {
      if (spin < kSpins) continue;
      poll_interrupt();
      std::this_thread::yield();
    }
  }
  void set(std::int64_t columns) { columns_.store(columns, std::memory_order_release); }

 private:
  alignas(64) std::atomic<std::int64_t> columns_{0};
};

// Calls run(row, for_each_range) for every row, the rows in order. for_each_range(columns) calls columns(begin, end)
// for ranges that cover the width, each once the row before has passed its end by one.
template <class Run>
void follow_rows(std::int64_t height, std::int64_t width, int num_threads, const Run& run) {
  constexpr std::int64_t kColumns = 32;  // a row tells the next one how far it is every so many columns
  const auto progress = std::make_unique<RowProgress[]>(height);
  parallel_for(height, 1, num_threads, [&](std::int64_t row, std::int64_t) {
    run(row, [&](const auto& columns) {
      for (std::int64_t begin = 0; begin < width; begin += kColumns) {
        const std::int64_t end = std::min(begin + kColumns, width);
        if (row > 0) progress[row - 1].wait_for(std::min(end + 1, width));
        columns(begin, end);
        progress[row].set(end);
      }
    });
  });
}

}  // namespace fastcv::mvs
