// SPDX-License-Identifier: Apache-2.0
// Gradients of a volume of features.
#pragma once

#include "mvs/feature_sweep.h"

namespace fastcv::mvs {

// grad: (planes, height, width, groups), of the volume.
// grad_reference, grad_sources[k]: (channels, height, width) of the view, all of it written.
void feature_volume_vjp(const FeatureSweep& sweep, View<const float, 4> grad, View<float, 3> grad_reference,
                        const View<float, 3>* grad_sources, int num_threads);

// grad_depths: (planes, height, width), per pixel also where the depths are not.
void feature_volume_depth_vjp(const FeatureSweep& sweep, View<const float, 4> grad, View<float, 3> grad_depths,
                              int num_threads);

}  // namespace fastcv::mvs
