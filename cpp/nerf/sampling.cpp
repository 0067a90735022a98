// SPDX-License-Identifier: Apache-2.0
// Splits rows of samplers over threads.
#include "nerf/sampling.h"

#include "core/parallel.h"
#include "nerf/sampling.hd.h"

namespace fastcv::nerf {
namespace {

template <class Row>
void for_each_row(std::int64_t rows, const Row& row, int num_threads) {
  parallel_for(rows, 256, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) row(i);
  });
}

}  // namespace

void sample_stratified(const float* near, const float* far, Spacing spacing, const Jitter& jitter, const EdgeRows& out,
                       int num_threads) {
  for_each_row(out.rows, generic::StratifiedRow{near, far, spacing, jitter, out}, num_threads);
}

void sample_pdf(const WeightedIntervals& intervals, const Jitter& jitter, const EdgeRows& out, int num_threads) {
  for_each_row(out.rows, generic::PdfRow{intervals, jitter, out}, num_threads);
}

void merge_edges(const float* a, const float* b, std::int64_t rows, std::int64_t num_a, std::int64_t num_b, float* out,
                 int num_threads) {
  for_each_row(rows, generic::MergeRow{a, b, num_a, num_b, out}, num_threads);
}

template <class T>
void interlevel_loss(const ProposalRows<T>& rows, T* loss, int num_threads) {
  for_each_row(rows.rows, generic::InterlevelRow<T>{rows, loss}, num_threads);
}
template <class T>
void interlevel_loss_vjp(const ProposalRows<T>& rows, const T* grad, T* grad_proposal, int num_threads) {
  for_each_row(rows.rows, generic::InterlevelVjpRow<T>{rows, grad, grad_proposal}, num_threads);
}

#define FASTCV_INSTANTIATE(T)                                     \
  template void interlevel_loss(const ProposalRows<T>&, T*, int); \
  template void interlevel_loss_vjp(const ProposalRows<T>&, const T*, T*, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::nerf
