// SPDX-License-Identifier: Apache-2.0
// Marching cubes on a GPU. All arrays lie there.
#pragma once

#include <cuda_runtime_api.h>

#include "voxels/marching_cubes.h"

namespace fastcv::cuda::voxels {

using fastcv::voxels::MeshArrays;
using fastcv::voxels::Samples;
using fastcv::voxels::Signs;
using fastcv::voxels::Surface;

// As in fastcv::voxels, on the current device.
void classify_samples(const Samples& samples, const Signs& signs, cudaStream_t stream);
void find_candidates(const Samples& samples, const Signs& signs, std::uint8_t* candidates, cudaStream_t stream);
void mark_cells(const Samples& samples, const Signs& signs, const Surface& surface, cudaStream_t stream);
void count_surface(const Samples& samples, const Signs& signs, const Surface& surface, std::int64_t* totals,
                   cudaStream_t stream);
void emit_surface(const Samples& samples, const Signs& signs, const Surface& surface, const MeshArrays& mesh,
                  cudaStream_t stream);

}  // namespace fastcv::cuda::voxels
