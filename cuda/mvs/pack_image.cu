// SPDX-License-Identifier: Apache-2.0
// Packs images, one thread a word.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/pack_image.h"
#include "mvs/pack_image.hd.h"

namespace fastcv::cuda::mvs {

template <class T>
void pack_image(View<const T, 3> image, View<std::int32_t, 3> words, cudaStream_t stream) {
  for_each(words.size(), gpu::PackWord<T>{image, words}, stream);
}

template void pack_image(View<const std::uint8_t, 3>, View<std::int32_t, 3>, cudaStream_t);
template void pack_image(View<const float, 3>, View<std::int32_t, 3>, cudaStream_t);

}  // namespace fastcv::cuda::mvs
