// SPDX-License-Identifier: Apache-2.0
// Spherical harmonics, one thread a direction.
#include "cuda/core/launch.cuh"
#include "cuda/nerf/spherical_harmonics.h"
#include "nerf/spherical_harmonics.hd.h"

namespace fastcv::cuda::nerf {

template <class P>
void spherical_harmonics(int degree, const P* directions, const P* tangents, std::int64_t rows, P* out,
                         cudaStream_t stream) {
  tangents == nullptr ? for_each(rows, gpu::SphericalOne<P, P>{degree, directions, tangents, out}, stream)
                      : for_each(rows, gpu::SphericalOne<gpu::Along<P>, P>{degree, directions, tangents, out}, stream);
}

template <class P>
void spherical_harmonics_vjp(int degree, const P* directions, const P* tangents, std::int64_t rows, const P* grad,
                             P* out, cudaStream_t stream) {
  tangents == nullptr
      ? for_each(rows, gpu::SphericalVjpOne<P, P>{degree, directions, tangents, grad, out}, stream)
      : for_each(rows, gpu::SphericalVjpOne<gpu::Along<P>, P>{degree, directions, tangents, grad, out}, stream);
}

#define FASTCV_INSTANTIATE(P)                                                                 \
  template void spherical_harmonics(int, const P*, const P*, std::int64_t, P*, cudaStream_t); \
  template void spherical_harmonics_vjp(int, const P*, const P*, std::int64_t, const P*, P*, cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::nerf
