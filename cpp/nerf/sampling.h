// SPDX-License-Identifier: Apache-2.0
// Intervals along rays where no occupancy grid says where to look: even ones, and finer ones where coarse weights are
// large.
#pragma once

#include <cstdint>

namespace fastcv::nerf {

enum class Spacing { linear, disparity };

// Rows of count + 1 edges of intervals, rising.
struct EdgeRows {
  float* edges;
  std::int64_t rows, count;
};

// Without jitter, edges lie at k / count of the way; with it, inner ones up to half an interval away from there.
struct Jitter {
  bool on;
  std::uint64_t seed;
  std::int64_t first_row;
};

// Weighted intervals: rows [offsets[r], offsets[r + 1]) of starts, ends and weights; without offsets, rows of `count`
// weights and count + 1 edges, which `starts` points to and `ends` one later.
struct WeightedIntervals {
  const float *starts, *ends, *weights;
  const std::int64_t* offsets;
  std::int64_t count;
};

// From near to far, in steps of t or of 1 / t. A row whose ray has near > far, or NaN, has 0 alone.
void sample_stratified(const float* near, const float* far, Spacing spacing, const Jitter& jitter, const EdgeRows& out,
                       int num_threads);

// By the inverse of the distribution function. Source: Mildenhall et al. 2020, "NeRF", section 5.2.
void sample_pdf(const WeightedIntervals& intervals, const Jitter& jitter, const EdgeRows& out, int num_threads);

// Rows of `a` and of `b`, merged in order: (rows, num_a) and (rows, num_b).
void merge_edges(const float* a, const float* b, std::int64_t rows, std::int64_t num_a, std::int64_t num_b, float* out,
                 int num_threads);

// Intervals of rays and of the proposal whose weights are to bound theirs from above: (rows, count + 1) edges and
// (rows, count) weights of each.
template <class T>
struct ProposalRows {
  const T *edges, *weights, *proposal_edges, *proposal_weights;
  std::int64_t rows, count, proposal_count;
};

// Barron et al. 2022, "Mip-NeRF 360", eq. 13, of each row; and the gradient by the proposal's weights from that by it.
template <class T>
void interlevel_loss(const ProposalRows<T>& rows, T* loss, int num_threads);
template <class T>
void interlevel_loss_vjp(const ProposalRows<T>& rows, const T* grad, T* grad_proposal, int num_threads);

}  // namespace fastcv::nerf
