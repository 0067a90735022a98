// SPDX-License-Identifier: Apache-2.0
// Guided filter over the surfaces of a volume of costs: windows that stop at the edges of an image.
#pragma once

#include "core/view.h"

namespace fastcv::mvs {

constexpr int kMaxGuidedRadius = 32;

// guide: (1 or 3, height, width), about 0. Costs that are not finite count nothing and stay NaN.
struct GuidedCosts {
  View<const float, 3> costs;  // (surfaces, height, width)
  View<const float, 3> guide;
  std::int32_t radius;  // of the window, in pixels
  float epsilon;        // variance of the guide below which a window is smoothed
};

void guided_costs(const GuidedCosts& in, View<float, 3> out, int num_threads);

}  // namespace fastcv::mvs
