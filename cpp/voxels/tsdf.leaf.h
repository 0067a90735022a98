// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::voxels {

// Of the 64 parts of a cube of 2^level blocks a side, numbered as part_of does twice: a bit for each that may have a
// voxel within the truncation of what the frame shows.
void find_parts(const fastcv::voxels::Fusion& fusion, const fastcv::voxels::BlockNumber& low, int level,
                const std::int32_t* frames, std::int64_t count, std::uint64_t* parts);

// The first of these frames that has a voxel of the block in its band; -1 for none.
std::int32_t first_in_band(const fastcv::voxels::Fusion& fusion, const std::int32_t* block, const std::int32_t* frames,
                           std::int64_t count);

// Updates up to kGroup blocks, each by the frames from its first one on.
void integrate_group(const fastcv::voxels::Fusion& fusion, const std::int32_t* blocks, int count,
                     const std::int32_t* first_frames, const fastcv::voxels::BlockVoxels& voxels);

}  // namespace fastcv::FASTCV_ISA::voxels
