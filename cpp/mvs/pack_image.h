// SPDX-License-Identifier: Apache-2.0
// Images in the layout that the sweep samples.
#pragma once

#include "core/view.h"

namespace fastcv::mvs {

// T is uint8_t, uint16_t or float (in [0, 1]). image: (height, width, 1 or 3); mask: (height, width) or null, 0 for
// pixels that are not to be used; words: (height + 1, width + 1, 1 or 2).
template <class T>
void pack_image(View<const T, 3> image, const std::uint8_t* mask, View<std::int32_t, 3> words, int num_threads);

}  // namespace fastcv::mvs
