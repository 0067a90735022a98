// SPDX-License-Identifier: Apache-2.0
// The frequency encoding on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/frequency.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::FrequencyBands;

template <class P>
void frequency_encoding(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows, P* out,
                        cudaStream_t stream);
template <class P>
void frequency_encoding_vjp(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows,
                            const P* grad, P* out, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
