// SPDX-License-Identifier: Apache-2.0
// The frequency encoding, one thread a wave, or a coordinate.
#include "cuda/core/launch.cuh"
#include "cuda/nerf/frequency.h"
#include "nerf/frequency.hd.h"

namespace fastcv::cuda::nerf {

template <class P>
void frequency_encoding(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows, P* out,
                        cudaStream_t stream) {
  const std::int64_t n = rows * bands.dims * bands.count;
  tangents == nullptr ? for_each(n, gpu::FrequencyOne<0, P>{bands, points, tangents, out}, stream)
                      : for_each(n, gpu::FrequencyOne<1, P>{bands, points, tangents, out}, stream);
}

template <class P>
void frequency_encoding_vjp(const FrequencyBands& bands, const P* points, const P* tangents, std::int64_t rows,
                            const P* grad, P* out, cudaStream_t stream) {
  const std::int64_t n = rows * bands.dims;
  tangents == nullptr ? for_each(n, gpu::FrequencyVjpOne<1, P>{bands, points, tangents, grad, out}, stream)
                      : for_each(n, gpu::FrequencyVjpOne<2, P>{bands, points, tangents, grad, out}, stream);
}

#define FASTCV_INSTANTIATE(P)                                                                                  \
  template void frequency_encoding(const FrequencyBands&, const P*, const P*, std::int64_t, P*, cudaStream_t); \
  template void frequency_encoding_vjp(const FrequencyBands&, const P*, const P*, std::int64_t, const P*, P*,  \
                                       cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::nerf
