// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::voxels {

// The passes of voxels/marching_cubes.h over blocks, or candidates, [begin, end).
void classify_samples(const fastcv::voxels::Samples& samples, const fastcv::voxels::Signs& signs, std::int64_t begin,
                      std::int64_t end);
void find_candidates(const fastcv::voxels::Samples& samples, const fastcv::voxels::Signs& signs,
                     std::uint8_t* candidates, std::int64_t begin, std::int64_t end);
void mark_cells(const fastcv::voxels::Samples& samples, const fastcv::voxels::Signs& signs,
                const fastcv::voxels::Surface& surface, std::int64_t begin, std::int64_t end);
void count_surface(const fastcv::voxels::Samples& samples, const fastcv::voxels::Signs& signs,
                   const fastcv::voxels::Surface& surface, std::int64_t* totals, std::int64_t begin, std::int64_t end);
void emit_surface(const fastcv::voxels::Samples& samples, const fastcv::voxels::Signs& signs,
                  const fastcv::voxels::Surface& surface, const fastcv::voxels::MeshArrays& mesh, std::int64_t begin,
                  std::int64_t end);

}  // namespace fastcv::FASTCV_ISA::voxels
