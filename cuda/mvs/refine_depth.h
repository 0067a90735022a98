// SPDX-License-Identifier: Apache-2.0
// Refinement of depth maps on a GPU, and their normals.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/refine_depth.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::RefinedMap;
using fastcv::mvs::Refinement;

// As fastcv::mvs::refine_depth and depth_normals; images and maps live on the current device.
void refine_depth(Refinement refinement, const RefinedMap& map, int num_iterations, cudaStream_t stream);
void depth_normals(View<const float, 2> depth, const double* K, View<float, 3> out, cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
