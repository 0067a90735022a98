// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::voxels {

// Pixels [begin, end).
void raycast(const fastcv::voxels::Surface& surface, const fastcv::voxels::RayView& view,
             const fastcv::voxels::RenderBuffers& out, std::int64_t begin, std::int64_t end);

}  // namespace fastcv::FASTCV_ISA::voxels
