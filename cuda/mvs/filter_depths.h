// SPDX-License-Identifier: Apache-2.0
// Removes depths that other views contradict or do not confirm, on a GPU.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/consistency.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::Consistency;
using fastcv::mvs::Neighbors;

// As fastcv::mvs::filter_depths, on the current device.
void filter_depths(View<const float, 2> depth, const Neighbors& neighbors, const Consistency& rule, View<float, 2> out,
                   cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
