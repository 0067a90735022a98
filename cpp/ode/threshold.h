// SPDX-License-Identifier: Apache-2.0
// Dynamic thresholding of estimated data. Source: Saharia et al. 2022, "Photorealistic text-to-image diffusion models
// with deep language understanding", sec. 2.3.
#pragma once

#include <cstdint>

#include "ode/pass.h"

namespace fastcv::ode {

struct Threshold {
  std::int64_t samples, size;
  const void* input;
  void* output;        // may be the input
  Scalar type;         // of both
  double ratio;        // of the quantile, 0 to 1, between neighbours in order by linear interpolation
  double maximum;      // of the threshold, at least 1
  double* thresholds;  // (samples): the quantile of |input|, clamped to [1, maximum]; NaN where the sample holds a NaN
};

// output = clip(input, -threshold, threshold) / threshold, sample by sample.
void dynamic_threshold(const Threshold& work, int num_threads);

}  // namespace fastcv::ode
