// SPDX-License-Identifier: Apache-2.0
// Soft carving on a GPU, as fastcv::voxels. All arrays lie there.
#pragma once

#include <cuda_runtime_api.h>

#include "voxels/soft_carving.h"

namespace fastcv::cuda::voxels {

using fastcv::voxels::SoftCarving;

template <class T>
void carve_soft(const SoftCarving<T>& carving, T* out, cudaStream_t stream);

// Sums are of whole numbers, of a 2^(62 - log2(voxels))th of what one voxel can add at most: their order does not
// matter, and each is off by at most half of that a voxel. All are NaN where a gradient is not finite.
template <class T>
void carve_soft_vjp(const SoftCarving<T>& carving, const T* grad, T* weights, View<T, 1> out, cudaStream_t stream);

}  // namespace fastcv::cuda::voxels
