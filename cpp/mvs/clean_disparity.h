// SPDX-License-Identifier: Apache-2.0
// What is done to a disparity map after matching: noise and small regions removed, holes filled.
#pragma once

#include "mvs/disparity.h"

namespace fastcv::mvs {

// Regions of connected pixels, neighbours differing by max_step at most, that have fewer than min_pixels become NaN,
// their confidence 0.
void remove_speckles(const DisparityMap& map, std::int64_t min_pixels, float max_step, int num_threads);

// Each value becomes the median of the 3 x 3 values around it, the lower one of two; NaN stays and takes no part.
void median_disparity(View<const float, 2> disparity, View<float, 2> out, int num_threads);

// NaN becomes the smaller one of the next values to the left and to the right.
void fill_disparity(View<const float, 2> disparity, View<float, 2> out, int num_threads);

}  // namespace fastcv::mvs
