// SPDX-License-Identifier: Apache-2.0
// One step of Adam in one pass over memory. Source: Kingma & Ba 2015, "Adam: a method for stochastic optimization",
// algorithm 1; weight decay: Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2.
#pragma once

#include <cstdint>

namespace fastcv::nerf {

enum class Storage { float32, float16, bfloat16 };

struct AdamStep {
  float *parameters, *first, *second;  // (rows, width): also the moments
  void* gradients;                     // (rows, width)
  Storage gradient_type;
  void* copy;  // parameters, rounded to fewer bits; null: none
  Storage copy_type;
  std::int64_t rows, width;
  bool skip_untouched;  // rows whose gradients are all 0
  bool zero_gradients;
  double rate, beta1, beta2, eps, decay;
  const float *rate_there, *scale, *found_inf;  // of one number where the arrays are; null: rate, 1, 0
  float* step;                                  // of one number: steps done
};

// num_threads 0 means the default; no result depends on it.
void adam_step(const AdamStep& adam, int num_threads);

// *found becomes 1 where a value is infinite or NaN.
void mark_nonfinite(const void* values, Storage type, std::int64_t count, float* found, int num_threads);

}  // namespace fastcv::nerf
