// SPDX-License-Identifier: Apache-2.0
// The guided filter, one thread a pixel, surface by surface.
#include "cuda/core/launch.cuh"
#include "cuda/mvs/guided_costs.h"
#include "cuda/mvs/stream_buffer.h"
#include "mvs/guided_pixel.hd.h"

namespace fastcv::cuda::mvs {
namespace {

template <int Channels>
struct SumRows {
  gpu::GuidedSurface<Channels> surface;
  FASTCV_HD void operator()(std::int64_t i) const { surface.sum_rows(i); }
};
template <int Channels>
struct Fit {
  gpu::GuidedSurface<Channels> surface;
  FASTCV_HD void operator()(std::int64_t i) const { surface.fit(i); }
};
template <int Channels>
struct SumFits {
  gpu::GuidedSurface<Channels> surface;
  FASTCV_HD void operator()(std::int64_t i) const { surface.sum_fits(i); }
};
template <int Channels>
struct Finish {
  gpu::GuidedSurface<Channels> surface;
  FASTCV_HD void operator()(std::int64_t i) const { surface.finish(i); }
};

template <int Channels>
void run(const GuidedCosts& in, const View<float, 3>& out, cudaStream_t stream) {
  const std::int64_t pixels = in.costs.shape[1] * in.costs.shape[2];
  const StreamBuffer<float> scratch(gpu::GuidedSurface<Channels>::kPlanes * pixels, stream);
  for (std::int64_t k = 0; k < in.costs.shape[0]; ++k) {
    const gpu::GuidedSurface<Channels> surface{in, k, scratch.get(), out};
    for_each(pixels, SumRows<Channels>{surface}, stream);
    for_each(pixels, Fit<Channels>{surface}, stream);
    for_each(pixels, SumFits<Channels>{surface}, stream);
    for_each(pixels, Finish<Channels>{surface}, stream);
  }
}

}  // namespace

void guided_costs(const GuidedCosts& in, View<float, 3> out, cudaStream_t stream) {
  if (out.size() == 0) return;
  in.guide.shape[0] == 1 ? run<1>(in, out, stream) : run<3>(in, out, stream);
}

}  // namespace fastcv::cuda::mvs
