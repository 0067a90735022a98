// SPDX-License-Identifier: Apache-2.0
// Clusters of frames that see the same points.
#pragma once

#include <vector>

#include "ba/equations.h"
#include "ba/unknowns.h"

namespace fastcv::ba {

// The cluster of each wanted frame, numbered from 0, and -1 of the others. A cluster grows from the first frame that is
// left by that which has most points in common with it, to `size` frames or until there is none.
std::vector<std::int32_t> cluster_frames(const Equations& equations, const Unknowns& unknowns,
                                         const std::vector<bool>& wanted, int size);

}  // namespace fastcv::ba
