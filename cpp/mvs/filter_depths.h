// SPDX-License-Identifier: Apache-2.0
// Removes depths that other views contradict or do not confirm.
#pragma once

#include "mvs/consistency.h"

namespace fastcv::mvs {

// out: (height, width), the depth where at least rule.min_consistent neighbours agree, else 0.
void filter_depths(View<const float, 2> depth, const Neighbors& neighbors, const Consistency& rule, View<float, 2> out,
                   int num_threads);

}  // namespace fastcv::mvs
