// SPDX-License-Identifier: Apache-2.0
// RANSAC with a truncated quadratic score and local optimisation of every new best model (Chum, Matas, Kittler 2003,
// "Locally optimized RANSAC"). One thread: pairs of photographs are the unit of parallel work.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/interrupt.h"
#include "geometry/columns.h"
#include "geometry/sampler.h"

namespace fastcv::geometry {

struct RansacOptions {
  double threshold = 1.0;  // pixels
  double confidence = 0.9999;
  std::int64_t min_iterations = 100, max_iterations = 10000;
  bool sorted = false;  // correspondences come best first
  std::uint64_t seed = 0;
};

struct RansacResult {
  Consensus consensus{0.0, 0};  // no inlier: nothing was found
  std::int64_t num_iterations = 0;
};

// Samples after which one without outliers was seen with this confidence.
inline double needed_samples(double inlier_ratio, int sample_size, double confidence) {
  const double clean = std::pow(inlier_ratio, sample_size);
  if (clean <= 0.0) return INFINITY;
  return clean >= 1.0 ? 1.0 : std::log1p(-confidence) / std::log1p(-clean);
}

// Problem: Model, kSample, kMaxModels, rows(), solve(sample, models), consensus(model, score_to_beat),
// refine(&model).
template <class Problem>
RansacResult ransac(const Problem& problem, const RansacOptions& options, typename Problem::Model* best) {
  RansacResult result;
  Sampler sampler(problem.rows(), Problem::kSample, options.sorted, options.seed);
  double best_sampled = 0.0;  // before local optimisation, which else would hide later good samples
  double needed = INFINITY;
  const std::int64_t poll_interval = std::clamp<std::int64_t>((1 << 18) / (problem.rows() + 1), 1, 64);
  while (result.num_iterations < options.max_iterations) {
    if (result.num_iterations >= options.min_iterations && static_cast<double>(result.num_iterations) >= needed) break;
    if (result.num_iterations % poll_interval == 0) poll_interrupt();
    std::int64_t sample[Problem::kSample];
    typename Problem::Model models[Problem::kMaxModels];
    sampler.draw(result.num_iterations++, sample);
    const int num_models = problem.solve(sample, models);
    int promising = -1;
    for (int k = 0; k < num_models; ++k) {
      const Consensus consensus = problem.consensus(models[k], best_sampled);
      if (consensus.score <= best_sampled) continue;
      best_sampled = consensus.score;
      promising = k;
    }
    if (promising < 0) continue;
    const Consensus refined = problem.refine(&models[promising]);
    if (refined.score <= result.consensus.score) continue;
    result.consensus = refined;
    *best = models[promising];
    const double ratio = static_cast<double>(refined.num_inliers) / static_cast<double>(problem.rows());
    needed = needed_samples(ratio, Problem::kSample, options.confidence);
  }
  return result;
}

}  // namespace fastcv::geometry
