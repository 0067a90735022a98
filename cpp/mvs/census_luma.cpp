// SPDX-License-Identifier: Apache-2.0
// Luma of rectified images, over threads.
#include "core/parallel.h"
#include "mvs/census_luma.hd.h"

namespace fastcv::mvs {

template <class T>
void census_luma(View<const T, 3> image, View<std::uint16_t, 2> out, int num_threads) {
  constexpr std::int64_t kGrain = 1 << 16;
  const generic::CensusLuma<T> one{image, out};
  parallel_for(out.size(), kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

template void census_luma(View<const std::uint8_t, 3>, View<std::uint16_t, 2>, int);
template void census_luma(View<const std::uint16_t, 3>, View<std::uint16_t, 2>, int);
template void census_luma(View<const float, 3>, View<std::uint16_t, 2>, int);

}  // namespace fastcv::mvs
