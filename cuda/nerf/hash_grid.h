// SPDX-License-Identifier: Apache-2.0
// The hash grid on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/hash_grid.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::GridPoints;
using fastcv::nerf::HashGrid;

template <class P, class T>
void hash_grid(const HashGrid& grid, const GridPoints<P>& points, const T* table, P* out, cudaStream_t stream);
template <class P>
void hash_grid_table_vjp(const HashGrid& grid, const GridPoints<P>& points, const P* grad, P* out,
                         std::int64_t num_entries, bool accumulate, cudaStream_t stream);
template <class P, class T>
void hash_grid_points_vjp(const HashGrid& grid, const GridPoints<P>& points, const T* table, const P* grad, P* out,
                          cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
