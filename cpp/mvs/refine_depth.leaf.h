// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

// The pixels of row y: all of them, or in an iteration those of one colour of the checkerboard.
void start_row(const fastcv::mvs::Refinement& refinement, const fastcv::mvs::RefinedMap& map, std::int32_t y);
void update_row(const fastcv::mvs::Refinement& refinement, const fastcv::mvs::PlaneMap& map, int iteration, int color,
                std::int32_t y);

}  // namespace fastcv::FASTCV_ISA::mvs
