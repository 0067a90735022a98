// SPDX-License-Identifier: Apache-2.0
// The spherical harmonics on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/spherical_harmonics.h"

namespace fastcv::cuda::nerf {

template <class P>
void spherical_harmonics(int degree, const P* directions, const P* tangents, std::int64_t rows, P* out,
                         cudaStream_t stream);
template <class P>
void spherical_harmonics_vjp(int degree, const P* directions, const P* tangents, std::int64_t rows, const P* grad,
                             P* out, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
