// SPDX-License-Identifier: Apache-2.0
// Luma of rectified images, over threads.
#include <algorithm>

#include "core/parallel.h"
#include "mvs/census_luma.hd.h"

namespace fastcv::mvs {

template <class T>
void census_luma(View<const T, 3> image, View<std::uint16_t, 2> out, int num_threads) {
  constexpr std::int64_t kRows = 16;
  const generic::CensusLuma<T> luma{image, out};
  const std::int64_t width = image.shape[1];
  parallel_for(image.shape[0], kRows, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; ++y) {
      std::uint16_t* row = &out(y, kCensusRadius);
      for (std::int64_t x = 0; x < width; ++x) row[x] = luma.at(y, x);
      std::fill_n(row - kCensusRadius, kCensusRadius, row[0]);
      std::fill_n(row + width, kCensusRadius, row[width - 1]);
    }
  });
}

template void census_luma(View<const std::uint8_t, 3>, View<std::uint16_t, 2>, int);
template void census_luma(View<const std::uint16_t, 3>, View<std::uint16_t, 2>, int);
template void census_luma(View<const float, 3>, View<std::uint16_t, 2>, int);

}  // namespace fastcv::mvs
