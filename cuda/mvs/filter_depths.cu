// SPDX-License-Identifier: Apache-2.0
// The consistency filter, one thread a pixel.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/filter_depths.h"
#include "mvs/consistency.hd.h"

namespace fastcv::cuda::mvs {

void filter_depths(View<const float, 2> depth, const Neighbors& neighbors, const Consistency& rule, View<float, 2> out,
                   cudaStream_t stream) {
  for_each(depth.size(), gpu::FilterOne{depth, neighbors, rule, out.data}, stream);
}

}  // namespace fastcv::cuda::mvs
