// SPDX-License-Identifier: Apache-2.0
// Samplers, one thread a ray.
#include "cuda/core/launch.cuh"
#include "cuda/nerf/sampling.h"
#include "nerf/sampling.hd.h"

namespace fastcv::cuda::nerf {

void sample_stratified(const float* near, const float* far, Spacing spacing, const Jitter& jitter, const EdgeRows& out,
                       cudaStream_t stream) {
  for_each(out.rows, gpu::StratifiedRow{near, far, spacing, jitter, out}, stream);
}

void sample_pdf(const WeightedIntervals& intervals, const Jitter& jitter, const EdgeRows& out, cudaStream_t stream) {
  for_each(out.rows, gpu::PdfRow{intervals, jitter, out}, stream);
}

void merge_edges(const float* a, const float* b, std::int64_t rows, std::int64_t num_a, std::int64_t num_b, float* out,
                 cudaStream_t stream) {
  for_each(rows, gpu::MergeRow{a, b, num_a, num_b, out}, stream);
}

template <class T>
void interlevel_loss(const ProposalRows<T>& rows, T* loss, cudaStream_t stream) {
  for_each(rows.rows, gpu::InterlevelRow<T>{rows, loss}, stream);
}
template <class T>
void interlevel_loss_vjp(const ProposalRows<T>& rows, const T* grad, T* grad_proposal, cudaStream_t stream) {
  for_each(rows.rows, gpu::InterlevelVjpRow<T>{rows, grad, grad_proposal}, stream);
}

#define FASTCV_INSTANTIATE(T)                                              \
  template void interlevel_loss(const ProposalRows<T>&, T*, cudaStream_t); \
  template void interlevel_loss_vjp(const ProposalRows<T>&, const T*, T*, cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::nerf
