// SPDX-License-Identifier: Apache-2.0
// Probabilities of voxels from soft masks, and gradients by the masks. T is float or double.
#pragma once

#include "voxels/soft_carving.h"

namespace fastcv::voxels {

// out: (z, y, x).
template <class T>
void carve_soft(const SoftCarving<T>& carving, T* out, int num_threads);

// grad, weights: (z, y, x); weights is scratch. out: as carving.masks. The order of all sums is fixed.
template <class T>
void carve_soft_vjp(const SoftCarving<T>& carving, const T* grad, T* weights, T* out, int num_threads);

}  // namespace fastcv::voxels
