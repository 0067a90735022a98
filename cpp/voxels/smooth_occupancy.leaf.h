// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::voxels {

// The field in one block.
void smooth_block(const fastcv::voxels::Occupancy& occupancy, const std::int32_t* block, int passes, float* values);

}  // namespace fastcv::FASTCV_ISA::voxels
