// SPDX-License-Identifier: Apache-2.0
// Hands the rows of a rectified pair to threads: a row follows the one above at a distance.
#include "mvs/disparity.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "core/interrupt.h"
#include "core/parallel.h"
#include "mvs/scratch_pool.h"
#include "mvs/stereo_pair.h"

#define FASTCV_LEAF "mvs/disparity.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

// A row tells the next one how far it is every so many columns.
constexpr std::int64_t kColumns = 32;

std::int64_t row_scratch_bytes(const StereoPair& pair) { FASTCV_DISPATCH(mvs::row_scratch_bytes(pair)); }
std::int64_t path_bytes(const StereoPair& pair) { FASTCV_DISPATCH(mvs::path_bytes(pair)); }
void start_row(const StereoPair& pair, std::int64_t y, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::start_row(pair, y, scratch));
}
void match_columns(const StereoPair& pair, std::int64_t y, std::int64_t begin, std::int64_t end, std::byte* scratch,
                   std::byte* paths) {
  FASTCV_DISPATCH(mvs::match_columns(pair, y, begin, end, scratch, paths));
}
void finish_row(const StereoPair& pair, std::int64_t y, std::byte* scratch) {
  FASTCV_DISPATCH(mvs::finish_row(pair, y, scratch));
}

// How many columns a row has done. Rows are begun in order, so the one that is waited for is at work already.
class Progress {
 public:
  void wait_for(std::int64_t columns) const {
    constexpr int kSpins = 256;  // some microseconds, as much as the row above needs for the next columns
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

}  // namespace

void estimate_disparity(View<const std::uint16_t, 2> left, View<const std::uint16_t, 2> right, const StereoMatch& match,
                        const DisparityMap& out, int num_threads) {
  const std::int64_t height = out.disparity.shape[0], width = out.disparity.shape[1];
  const int threads = num_threads > 0 ? num_threads : default_num_threads();
  const StereoPair pair{left, right, match, out, width + threads};
  ScratchPool rows(row_scratch_bytes(pair)), once(path_bytes(pair));
  const ScratchPool::Block paths(once);
  std::memset(paths.get(), 0, path_bytes(pair));
  const auto progress = std::make_unique<Progress[]>(height);
  parallel_for(height, 1, threads, [&](std::int64_t y, std::int64_t) {
    const ScratchPool::Block scratch(rows);
    start_row(pair, y, scratch.get());
    for (std::int64_t begin = 0; begin < width; begin += kColumns) {
      const std::int64_t end = std::min(begin + kColumns, width);
      if (y > 0) progress[y - 1].wait_for(std::min(end + 1, width));
      match_columns(pair, y, begin, end, scratch.get(), paths.get());
      progress[y].set(end);
    }
    finish_row(pair, y, scratch.get());
  });
}

}  // namespace fastcv::mvs
