// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

// Returns the bytes of scratch memory that it wants; with scratch null it does nothing else.
std::int64_t guided_costs(const fastcv::mvs::GuidedCosts& in, const fastcv::mvs::Tile& tile, View<float, 3> out,
                          std::byte* scratch);

}  // namespace fastcv::FASTCV_ISA::mvs
