// SPDX-License-Identifier: Apache-2.0
// Packs images, one thread a word.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/pack_image.h"
#include "mvs/pack_image.hd.h"

namespace fastcv::cuda::mvs {

template <class T>
void pack_image(View<const T, 3> image, const std::uint8_t* mask, View<std::int32_t, 3> words, cudaStream_t stream) {
  for_each(words.size(), gpu::PackWord<T>{image, mask, words}, stream);
}

template void pack_image(View<const std::uint8_t, 3>, const std::uint8_t*, View<std::int32_t, 3>, cudaStream_t);
template void pack_image(View<const std::uint16_t, 3>, const std::uint8_t*, View<std::int32_t, 3>, cudaStream_t);
template void pack_image(View<const float, 3>, const std::uint8_t*, View<std::int32_t, 3>, cudaStream_t);

}  // namespace fastcv::cuda::mvs
