// SPDX-License-Identifier: Apache-2.0
// Cost volumes of feature maps on a GPU: as fastcv::mvs; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "mvs/feature_sweep.h"

namespace fastcv::cuda::mvs {

using fastcv::mvs::ChannelLayout;
using fastcv::mvs::FeatureSweep;

void feature_volume(const FeatureSweep& sweep, View<float, 4> out, View<std::uint8_t, 3> num_seen, cudaStream_t stream);
void pack_features(View<const float, 3> features, const ChannelLayout& layout, View<float, 3> out, cudaStream_t stream);
void feature_volume_vjp(const FeatureSweep& sweep, View<const float, 4> grad, View<float, 3> grad_reference,
                        const View<float, 3>* grad_sources, cudaStream_t stream);
void feature_volume_depth_vjp(const FeatureSweep& sweep, View<const float, 4> grad, View<float, 3> grad_depths,
                              cudaStream_t stream);

}  // namespace fastcv::cuda::mvs
