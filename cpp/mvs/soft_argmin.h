// SPDX-License-Identifier: Apache-2.0
// The expected depth of every pixel under a softmax of its costs, how uncertain it is, and gradients by the costs.
#pragma once

#include "mvs/sweep.h"

namespace fastcv::mvs {

// costs: (surfaces, height, width), those that are not finite count nothing.
struct SoftCosts {
  View<const float, 3> costs;
  Hypotheses hypotheses;
  float sharpness;  // 1 / temperature
};

// Both (height, width). Where nothing counts, depth is 0 and uncertainty infinite.
struct SoftDepth {
  View<float, 2> depth, uncertainty;
};
struct SoftDepthGrad {
  View<const float, 2> depth, uncertainty;
};

void soft_argmin(const SoftCosts& costs, const SoftDepth& out, int num_threads);

// out: (surfaces, height, width), gradient by the costs; 0 where one does not count.
void soft_argmin_vjp(const SoftCosts& costs, const SoftDepthGrad& grad, View<float, 3> out, int num_threads);

}  // namespace fastcv::mvs
