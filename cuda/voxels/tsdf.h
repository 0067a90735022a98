// SPDX-License-Identifier: Apache-2.0
// Fuses depth maps and casts rays on a GPU. All arrays lie there.
#pragma once

#include <cuda_runtime_api.h>

#include "voxels/raycast.h"
#include "voxels/tsdf.h"

namespace fastcv::cuda::voxels {

using namespace fastcv::voxels;

// As in fastcv::voxels, on the current device. find_blocks and insert_blocks wait for the stream: their results are
// numbers of the host.
template <class T>
void pack_frames(View<const T, 3> depths, float scale, float max_depth, const PixelExtras& extras,
                 const PackedFrames& out, cudaStream_t stream);
std::int64_t find_blocks(const Fusion& fusion, const BlockTable& table, std::int64_t limit,
                         Rows<std::int32_t, 3> blocks, std::int32_t* first_frames, cudaStream_t stream);
void integrate(const Fusion& fusion, Rows<const std::int32_t, 3> blocks, View<const std::int32_t, 1> first_frames,
               const BlockVoxels& voxels, cudaStream_t stream);
bool insert_blocks(Rows<const std::int32_t, 3> blocks, std::int64_t begin, std::int64_t size, std::int64_t* keys,
                   std::int32_t* slots, cudaStream_t stream);
void find_depths(const RayView& view, const double* cam_from_voxel, Rows<const std::int32_t, 3> blocks, float* ranges,
                 std::uint32_t* occupied, cudaStream_t stream);
void raycast(const Surface& surface, const RayView& view, const RenderBuffers& out, cudaStream_t stream);

}  // namespace fastcv::cuda::voxels
