// SPDX-License-Identifier: Apache-2.0
// Rays on a GPU: as fastcv::nerf; all arrays but RayCameras::host live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/rays.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::PixelTable;
using fastcv::nerf::RayCameras;
using fastcv::nerf::RayPixels;
using fastcv::nerf::RayRange;

template <class P>
void rays(const RayCameras& cameras, const double* poses, std::int64_t num_poses, const RayPixels<P>& pixels,
          float* origins, float* directions, cudaStream_t stream);
template <class Shape>
void clip_rays(const Shape& shape, const RayRange& range, const float* origins, const float* directions,
               std::int64_t rows, float* near, float* far, cudaStream_t stream);
void sample_pixels(const PixelTable& table, std::uint64_t seed, std::uint64_t step, std::int64_t rows,
                   std::int64_t* images, float* pixels, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
