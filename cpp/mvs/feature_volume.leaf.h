// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

void feature_volume(const fastcv::mvs::FeatureSweep& sweep, const fastcv::mvs::Tile& tile, View<float, 4> out,
                    View<std::uint8_t, 3> num_seen, float* values);

}  // namespace fastcv::FASTCV_ISA::mvs
