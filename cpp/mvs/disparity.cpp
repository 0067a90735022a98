// SPDX-License-Identifier: Apache-2.0
// Hands the rows of a rectified pair to threads: a row follows the one above at a distance.
#include "mvs/disparity.h"

#include <cstring>

#include "core/parallel.h"
#include "mvs/follow_rows.h"
#include "mvs/scratch_pool.h"
#include "mvs/stereo_pair.h"

#define FASTCV_LEAF "mvs/disparity.leaf.h"
#include "core/leaf.h"

namespace fastcv::mvs {
namespace {

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

}  // namespace

void estimate_disparity(View<const std::uint16_t, 2> left, View<const std::uint16_t, 2> right, const StereoMatch& match,
                        const DisparityMap& out, int num_threads) {
  const std::int64_t height = out.disparity.shape[0], width = out.disparity.shape[1];
  const int threads = num_threads > 0 ? num_threads : default_num_threads();
  const StereoPair pair{left, right, match, out, width + threads};
  ScratchPool rows(row_scratch_bytes(pair)), once(path_bytes(pair));
  const ScratchPool::Block paths(once);
  std::memset(paths.get(), 0, path_bytes(pair));
  follow_rows(height, width, threads, [&](std::int64_t y, const auto& for_each_range) {
    const ScratchPool::Block scratch(rows);
    start_row(pair, y, scratch.get());
    for_each_range(
        [&](std::int64_t begin, std::int64_t end) { match_columns(pair, y, begin, end, scratch.get(), paths.get()); });
    finish_row(pair, y, scratch.get());
  });
}

}  // namespace fastcv::mvs
