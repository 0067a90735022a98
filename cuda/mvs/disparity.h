// SPDX-License-Identifier: Apache-2.0
// Disparity of a rectified pair on a GPU: as fastcv::mvs, on the current device. Two bytes a pixel and disparity are
// held while it runs.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/clean_disparity.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::DisparityMap;
using fastcv::mvs::StereoMatch;

template <class T>
void census_luma(View<const T, 3> image, View<std::uint16_t, 2> out, cudaStream_t stream);
void estimate_disparity(View<const std::uint16_t, 2> left, View<const std::uint16_t, 2> right, const StereoMatch& match,
                        const DisparityMap& out, cudaStream_t stream);
void remove_speckles(const DisparityMap& map, std::int64_t min_pixels, float max_step, cudaStream_t stream);
void median_disparity(View<const float, 2> disparity, View<float, 2> out, cudaStream_t stream);
void fill_disparity(View<const float, 2> disparity, View<float, 2> out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
