// SPDX-License-Identifier: Apache-2.0
// Clusters of images that see the same points.
#pragma once

#include <vector>

#include "ba/equations.h"

namespace fastcv::ba {

// The cluster of each wanted image, numbered from 0, and -1 of the others. A cluster grows from the first image that is
// left by that which has most points in common with it, to `size` images or until there is none.
std::vector<std::int32_t> cluster_images(const Equations& equations, const std::vector<bool>& wanted, int size);

}  // namespace fastcv::ba
