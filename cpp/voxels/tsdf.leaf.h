// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::voxels {

// Those of `count` frames that may have a voxel of a cube of side^3 blocks in their band; returns how many.
std::int64_t select_frames(const fastcv::voxels::Fusion& fusion, const std::int32_t* low, std::int64_t side,
                           const std::int32_t* frames, std::int64_t count, std::int32_t* selected);

// The first of these frames that has a voxel of the block in its band; -1 for none.
std::int32_t first_in_band(const fastcv::voxels::Fusion& fusion, const std::int32_t* block, const std::int32_t* frames,
                           std::int64_t count);

// Updates up to kGroup blocks, each by the frames from its first one on.
void integrate_group(const fastcv::voxels::Fusion& fusion, const std::int32_t* blocks, int count,
                     const std::int32_t* first_frames, const fastcv::voxels::BlockVoxels& voxels);

}  // namespace fastcv::FASTCV_ISA::voxels
