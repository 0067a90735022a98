// SPDX-License-Identifier: Apache-2.0
// Included once per instruction set by core/leaf.h.
namespace fastcv::FASTCV_ISA::mvs {

// Of the channels [channel, channel + kChannelSlice): adds to the sources' gradients, per source (height + 1, width +
// 1, kChannelSlice), and to those of the strip, (tile.width, kChannelSlice).
void feature_volume_vjp(const fastcv::mvs::FeatureSweep& sweep, const fastcv::mvs::Tile& tile, std::int64_t channel,
                        View<const float, 4> grad, float* const* grad_sources, float* grad_strip, float* scratch);

// scratch: (strip, packed channels).
void feature_volume_depth_vjp(const fastcv::mvs::FeatureSweep& sweep, const fastcv::mvs::Tile& tile,
                              View<const float, 4> grad, View<float, 3> grad_depths, float* scratch);

}  // namespace fastcv::FASTCV_ISA::mvs
