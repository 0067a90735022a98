// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

// Each returns the bytes of scratch memory that it wants; with scratch null it does nothing else.
std::int64_t plane_sweep(const fastcv::mvs::Sweep& sweep, const fastcv::mvs::Tile& tile,
                         const fastcv::mvs::CostVolume& out, std::byte* scratch);
std::int64_t estimate_depth(const fastcv::mvs::Sweep& sweep, const fastcv::mvs::Tile& tile,
                            const fastcv::mvs::DepthMap& out, std::byte* scratch);
std::int64_t winner_take_all(View<const float, 3> costs, const fastcv::mvs::Hypotheses& hypotheses,
                             const fastcv::mvs::Tile& tile, const fastcv::mvs::DepthMap& out, std::byte* scratch);

}  // namespace fastcv::FASTCV_ISA::mvs
