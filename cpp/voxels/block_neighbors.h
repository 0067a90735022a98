// SPDX-License-Identifier: Apache-2.0
// Which blocks lie beside one another.
#pragma once

#include "core/view.h"

namespace fastcv::voxels {

// blocks: (count, 3) z, y, x; neighbors: (count, 27), filled with -1 before, the numbers of the blocks around each and
// of itself, z before y before x. False where two blocks have the same coordinates.
bool block_neighbors(View<const std::int32_t, 2> blocks, std::int32_t* neighbors, int num_threads);

}  // namespace fastcv::voxels
