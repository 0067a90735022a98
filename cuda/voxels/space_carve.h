// SPDX-License-Identifier: Apache-2.0
// Space carving by photo-consistency on a GPU. All arrays lie there but for `shape`.
#pragma once

#include <cuda_runtime_api.h>

#include "voxels/photographs.h"

namespace fastcv::cuda::voxels {

using fastcv::voxels::Consistency;
using fastcv::voxels::Photographs;

// As in fastcv::voxels, on the current device.
void pack_photograph(View<const std::uint8_t, 3> image, std::int32_t* pixels, cudaStream_t stream);
void cast_rays(const double* geometry, View<const std::uint8_t, 3> states, View<std::int64_t, 2> voxels, float* depths,
               const std::uint8_t* tiles, std::uint8_t* changed, cudaStream_t stream);
void touch_blocks(const Photographs& photos, const std::int64_t* shape, const std::uint8_t* changed,
                  std::uint8_t* touched, cudaStream_t stream);
void judge_voxels(const Photographs& photos, const Consistency& rule, const float* depths,
                  View<const std::uint8_t, 3> states, const std::uint8_t* changed, const std::uint8_t* touched,
                  std::uint8_t* marks, std::uint8_t* tiles, std::int64_t* counts, cudaStream_t stream);
void hold_rays(const double* geometry, View<std::uint8_t, 3> states, const std::uint8_t* marks,
               View<const std::int64_t, 2> voxels, const std::uint8_t* tiles, cudaStream_t stream);
void take_voxels(View<std::uint8_t, 3> states, const std::uint8_t* touched, std::uint8_t* marks, std::int64_t* counts,
                 std::uint8_t* touches, cudaStream_t stream);
void observe_voxels(const Photographs& photos, const float* depths, const std::int64_t* shape,
                    View<const std::int64_t, 1> voxels, float* colors, float* shares, cudaStream_t stream);

}  // namespace fastcv::cuda::voxels
