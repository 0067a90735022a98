// SPDX-License-Identifier: Apache-2.0
// Images in the layout that the sweep samples, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"

namespace fastcv::cuda::mvs {

// As fastcv::mvs::pack_image, on the current device.
template <class T>
void pack_image(View<const T, 3> image, const std::uint8_t* mask, View<std::int32_t, 3> words, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
