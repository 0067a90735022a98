// SPDX-License-Identifier: Apache-2.0
// What a thread does of a network's work: some rows, with weights that are packed already.
#pragma once

#include "nerf/mlp.h"

namespace fastcv::nerf {

// Points that go through all layers together: so many that their values stay in the cache that is next to a processor.
inline constexpr int kMlpPoints = 64;

template <class T>
struct MlpTask {
  Mlp net;
  MlpArrays<T> arrays;
  std::int64_t begin, end;
  const MlpReal<T>*weights, *weight_tangents;  // packed; the second may be null
  MlpReal<T>* work;
};

}  // namespace fastcv::nerf
