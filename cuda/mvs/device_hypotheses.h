// SPDX-License-Identifier: Apache-2.0
// The surfaces of a sweep where its kernels can read them.
#pragma once

#include "cuda/mvs/stream_buffer.h"
#include "mvs/sweep.h"

namespace fastcv::cuda::mvs {

// A copy of the planes on the device; the bounds are there.
class DeviceHypotheses {
 public:
  DeviceHypotheses(const fastcv::mvs::Hypotheses& host, cudaStream_t stream)
      : planes_(3 * host.num, stream), hypotheses_(host) {
    hypotheses_.planes = planes_.get();
    check(cudaMemcpyAsync(planes_.get(), host.planes, 3 * host.num * sizeof(float), cudaMemcpyHostToDevice, stream),
          "cudaMemcpyAsync");
  }
  const fastcv::mvs::Hypotheses& get() const { return hypotheses_; }

 private:
  StreamBuffer<float> planes_;
  fastcv::mvs::Hypotheses hypotheses_;
};

}  // namespace fastcv::cuda::mvs
