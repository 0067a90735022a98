// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::voxels {

// The blocks of one root. scratch: kLevels view numbers for every view.
void classify_root(const fastcv::voxels::Carving& carving, std::int64_t root, std::int32_t* scratch,
                   std::uint8_t* states);
void classify_root(const fastcv::voxels::DepthCarving& carving, std::int64_t root, std::int32_t* scratch,
                   std::uint8_t* states);

// The voxels of one block. scratch: two view numbers for every view.
void carve_block(const fastcv::voxels::Carving& carving, std::int64_t block, std::int32_t* scratch, std::uint8_t* bits,
                 std::uint8_t* state);
void carve_block(const fastcv::voxels::DepthCarving& carving, std::int64_t block, std::int32_t* scratch,
                 std::uint8_t* bits, std::uint8_t* state);

}  // namespace fastcv::FASTCV_ISA::voxels
