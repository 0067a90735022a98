// SPDX-License-Identifier: Apache-2.0
// Soft-argmin, one thread a pixel.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/device_hypotheses.h"
#include "cuda/mvs/soft_argmin.h"
#include "mvs/soft_argmin.hd.h"

namespace fastcv::cuda::mvs {
namespace {

struct Forward {
  gpu::SoftArgminPixel pixel;
  SoftDepth out;
  FASTCV_HD void operator()(std::int64_t i) const { pixel.write(out, i); }
};
struct Backward {
  gpu::SoftArgminPixel pixel;
  SoftDepthGrad grad;
  View<float, 3> out;
  FASTCV_HD void operator()(std::int64_t i) const { pixel.write_vjp(grad, out, i); }
};

}  // namespace

void soft_argmin(const SoftCosts& costs, const SoftDepth& out, cudaStream_t stream) {
  const DeviceHypotheses copy(costs.hypotheses, stream);
  for_each(out.depth.size(), Forward{{{costs.costs, copy.get(), costs.sharpness}}, out}, stream);
}

void soft_argmin_vjp(const SoftCosts& costs, const SoftDepthGrad& grad, View<float, 3> out, cudaStream_t stream) {
  const DeviceHypotheses copy(costs.hypotheses, stream);
  for_each(grad.depth.size(), Backward{{{costs.costs, copy.get(), costs.sharpness}}, grad, out}, stream);
}

}  // namespace fastcv::cuda::mvs
