// SPDX-License-Identifier: Apache-2.0
// One ray's intervals: even, by weights, merged, and how far a proposal's weights fall short.
#pragma once

#include "nerf/sampling.h"
#include "nerf/uniform.hd.h"

namespace fastcv::FASTCV_ISA {

// Places of edges 0 to count in [0, 1], one after the other.
class Places {
 public:
  FASTCV_HD Places(const nerf::Jitter& jitter, Purpose purpose, std::int64_t row, std::int64_t count)
      : jitter_(jitter), purpose_(purpose), row_(jitter.first_row + row), count_(count) {}

  FASTCV_HD float operator()(std::int64_t k) {
    const auto count = static_cast<float>(count_);
    if (!jitter_.on || k == 0 || k == count_) return static_cast<float>(k) / count;
    if (k / 4 != block_) {
      block_ = k / 4;
      words_ = random_words(jitter_.seed, purpose_, row_, block_);
    }
    return (static_cast<float>(k) + uniform(words_.v[k % 4]) - 0.5F) / count;
  }

 private:
  const nerf::Jitter jitter_;
  const Purpose purpose_;
  const std::int64_t row_, count_;
  std::int64_t block_ = -1;
  Philox4 words_{};
};

struct StratifiedRow {
  const float *near, *far;
  nerf::Spacing spacing;
  nerf::Jitter jitter;
  nerf::EdgeRows out;

  FASTCV_HD void operator()(std::int64_t row) const {
    const float first = near[row], last = far[row];
    const bool usable = first <= last;
    float* edges = out.edges + row * (out.count + 1);
    Places places(jitter, Purpose::bins, row, out.count);
    edges[0] = usable ? first : 0.0F;
    edges[out.count] = usable ? last : 0.0F;
    for (std::int64_t k = 1; k < out.count; ++k) {
      const float s = places(k);
      float t = first + (last - first) * s;
      // 1 / t goes evenly from 1 / near to 1 / far.
      if (spacing == nerf::Spacing::disparity) t = 1.0F / ((1.0F - s) * (1.0F / first) + s * (1.0F / last));
      t = t > first ? (t < last ? t : last) : first;  // rounding may not leave the ends
      edges[k] = usable ? t : 0.0F;
    }
  }
};

struct PdfRow {
  nerf::WeightedIntervals in;
  nerf::Jitter jitter;
  nerf::EdgeRows out;

  FASTCV_HD void operator()(std::int64_t row) const {
    const std::int64_t first = in.offsets == nullptr ? row * in.count : in.offsets[row];
    const std::int64_t count = in.offsets == nullptr ? in.count : in.offsets[row + 1] - first;
    const std::int64_t edge = in.offsets == nullptr ? first + row : first;
    float* edges = out.edges + row * (out.count + 1);
    if (count == 0) {
      for (std::int64_t k = 0; k <= out.count; ++k) edges[k] = 0.0F;
      return;
    }
    Mass mass = add_up(first, edge, count, false);
    const bool even = !(mass.total > 0 && mass.total <= 1e300);
    if (even) mass = add_up(first, edge, count, true);
    Places places(jitter, Purpose::quantiles, row, out.count);
    std::int64_t j = 0;
    double before = 0, here = weight(first, edge, even);
    Line line = line_of(edge, here);
    float latest = in.starts[edge];
    for (std::int64_t k = 0; k <= out.count; ++k) {
      const double sought = places(k) * mass.total;
      for (; j < mass.last && before + here <= sought; line = line_of(edge + j, here)) {
        before += here;
        ++j;
        here = weight(first + j, edge + j, even);
      }
      const auto t = static_cast<float>(line.start + (sought - before) * line.slope);
      latest = t > latest ? (t < line.end ? t : line.end) : latest;
      edges[k] = latest;
    }
  }

 private:
  // t as a function of the weight from an interval's start on.
  struct Line {
    double start, slope;
    float end;
  };
  FASTCV_HD Line line_of(std::int64_t edge, double weight) const {
    const double start = in.starts[edge];
    return {start, weight > 0 ? (in.ends[edge] - start) / weight : 0.0, in.ends[edge]};
  }
  struct Mass {
    double total;
    std::int64_t last;  // interval that has any
  };
  // Where nothing has any weight, intervals count by their lengths.
  FASTCV_HD Mass add_up(std::int64_t first, std::int64_t edge, std::int64_t count, bool even) const {
    Mass mass{0, 0};
    for (std::int64_t j = 0; j < count; ++j) {
      const double w = weight(first + j, edge + j, even);
      mass.total += w;
      mass.last = w > 0 ? j : mass.last;
    }
    return mass;
  }
  // Of an interval in `weights` and in `starts`; what is negative or NaN counts as 0.
  FASTCV_HD double weight(std::int64_t at, std::int64_t edge, bool even) const {
    const float w = even ? in.ends[edge] - in.starts[edge] : in.weights[at];
    return w > 0 ? w : 0.0;
  }
};

struct MergeRow {
  const float *a, *b;
  std::int64_t num_a, num_b;
  float* out;

  FASTCV_HD void operator()(std::int64_t row) const {
    const float *x = a + row * num_a, *y = b + row * num_b;
    float* to = out + row * (num_a + num_b);
    for (std::int64_t i = 0, j = 0; i + j < num_a + num_b;) {
      const bool from_a = j == num_b || (i < num_a && !(y[j] < x[i]));
      to[i + j] = from_a ? x[i] : y[j];
      from_a ? ++i : ++j;
    }
  }
};

// each(weight, shortfall, first, end) for the intervals of a row: by how much the proposal's weights over an interval,
// those of [first, end), fall short of its own.
template <class T, class Each>
FASTCV_HD void for_each_shortfall(const nerf::ProposalRows<T>& in, std::int64_t row, const Each& each) {
  const T *edges = in.edges + row * (in.count + 1), *weights = in.weights + row * in.count;
  const T* bounds = in.proposal_edges + row * (in.proposal_count + 1);
  const T* bound_weights = in.proposal_weights + row * in.proposal_count;
  std::int64_t first = 0;
  for (std::int64_t i = 0; i < in.count; ++i) {
    while (first < in.proposal_count && !(bounds[first + 1] > edges[i])) ++first;
    T bound = 0;  // eq. 12: all intervals that have something in common with this one
    std::int64_t end = first;
    for (; end < in.proposal_count && bounds[end] < edges[i + 1]; ++end) bound += bound_weights[end];
    const T shortfall = weights[i] - bound;
    if (shortfall > 0) each(weights[i], shortfall, first, end);
  }
}

// In a division by a weight, as in the authors' code (multinerf, stepfun.py: lossfun_outer), so that none is 0.
template <class T>
FASTCV_HD T above_zero(T weight) {
  return weight + static_cast<T>(1.1920929e-7);
}

template <class T>
struct InterlevelRow {
  nerf::ProposalRows<T> in;
  T* loss;

  FASTCV_HD void operator()(std::int64_t row) const {
    T sum = 0;
    for_each_shortfall(in, row, [&](T weight, T shortfall, std::int64_t, std::int64_t) {
      sum += shortfall * shortfall / above_zero(weight);
    });
    loss[row] = sum;
  }
};

template <class T>
struct InterlevelVjpRow {
  nerf::ProposalRows<T> in;
  const T* grad;
  T* grad_proposal;

  FASTCV_HD void operator()(std::int64_t row) const {
    T* out = grad_proposal + row * in.proposal_count;
    for (std::int64_t j = 0; j < in.proposal_count; ++j) out[j] = 0;
    for_each_shortfall(in, row, [&](T weight, T shortfall, std::int64_t first, std::int64_t end) {
      const T each = -2 * shortfall / above_zero(weight) * grad[row];
      for (std::int64_t j = first; j < end; ++j) out[j] += each;
    });
  }
};

}  // namespace fastcv::FASTCV_ISA
