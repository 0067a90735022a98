// SPDX-License-Identifier: Apache-2.0
// Samplers on a GPU: as fastcv::nerf; all arrays live on the current device.
#pragma once

#include <cuda_runtime_api.h>

#include "nerf/sampling.h"

namespace fastcv::cuda::nerf {

using fastcv::nerf::EdgeRows;
using fastcv::nerf::Jitter;
using fastcv::nerf::ProposalRows;
using fastcv::nerf::Spacing;
using fastcv::nerf::WeightedIntervals;

void sample_stratified(const float* near, const float* far, Spacing spacing, const Jitter& jitter, const EdgeRows& out,
                       cudaStream_t stream);
void sample_pdf(const WeightedIntervals& intervals, const Jitter& jitter, const EdgeRows& out, cudaStream_t stream);
void merge_edges(const float* a, const float* b, std::int64_t rows, std::int64_t num_a, std::int64_t num_b, float* out,
                 cudaStream_t stream);
template <class T>
void interlevel_loss(const ProposalRows<T>& rows, T* loss, cudaStream_t stream);
template <class T>
void interlevel_loss_vjp(const ProposalRows<T>& rows, const T* grad, T* grad_proposal, cudaStream_t stream);

}  // namespace fastcv::cuda::nerf
