// SPDX-License-Identifier: Apache-2.0
// Image pyramids on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "core/view.h"
#include "mvs/local_planes.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::LocalPlanes;

// As in fastcv::mvs, on the current device.
template <class T>
void halve_image(View<const T, 3> image, View<T, 3> out, cudaStream_t stream);
void halve_mask(View<const std::uint8_t, 2> mask, View<std::uint8_t, 2> out, cudaStream_t stream);
void median(View<const float, 2> image, View<float, 2> out, cudaStream_t stream);
void extremes(View<const float, 2> image, View<float, 3> out, cudaStream_t stream);
void local_ranges(View<const float, 3> coarse, const LocalPlanes& planes, View<float, 4> out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
