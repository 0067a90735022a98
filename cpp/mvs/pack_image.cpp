// SPDX-License-Identifier: Apache-2.0
// Packs images over threads.
#include "mvs/pack_image.h"

#include "core/parallel.h"
#include "mvs/pack_image.hd.h"

namespace fastcv::mvs {

template <class T>
void pack_image(View<const T, 3> image, const std::uint8_t* mask, View<std::int32_t, 3> words, int num_threads) {
  constexpr std::int64_t kGrain = 1 << 16;
  const generic::PackWord<T> one{image, mask, words};
  parallel_for(words.size(), kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

template void pack_image(View<const std::uint8_t, 3>, const std::uint8_t*, View<std::int32_t, 3>, int);
template void pack_image(View<const std::uint16_t, 3>, const std::uint8_t*, View<std::int32_t, 3>, int);
template void pack_image(View<const float, 3>, const std::uint8_t*, View<std::int32_t, 3>, int);

}  // namespace fastcv::mvs
