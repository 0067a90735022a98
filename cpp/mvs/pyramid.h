// SPDX-License-Identifier: Apache-2.0
// Image pyramids, and what a level of one learns from the level above. See pyramid.hd.h.
#pragma once

#include "core/view.h"
#include "mvs/local_planes.h"

namespace fastcv::mvs {

// image (height, width, channels) of uint8_t, uint16_t or float; out half as high and wide, rounded down.
template <class T>
void halve_image(View<const T, 3> image, View<T, 3> out, int num_threads);

// mask (height, width), 0 for pixels that are not to be used; out half as high and wide, rounded down.
void halve_mask(View<const std::uint8_t, 2> mask, View<std::uint8_t, 2> out, int num_threads);

// Median of 5 x 5 pixels; both (height, width), no NaN.
void median(View<const float, 2> image, View<float, 2> out, int num_threads);

// Greatest and least of 3 x 3 pixels: image (height, width), no NaN; out (2, height, width).
void extremes(View<const float, 2> image, View<float, 3> out, int num_threads);

// coarse: positive inverse depths (2, coarse height, coarse width); out: depths (2, 2, height, width), see LocalRanges.
void local_ranges(View<const float, 3> coarse, const LocalPlanes& planes, View<float, 4> out, int num_threads);

}  // namespace fastcv::mvs
