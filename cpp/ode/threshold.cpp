// SPDX-License-Identifier: Apache-2.0
// Dynamic thresholding: a selection instead of a sort, each sample on one thread.
#include "ode/threshold.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.h"
#include "ode/element.hd.h"

namespace fastcv::ode {
namespace {

// Linear interpolation between the neighbours in order; 0 of nothing.
template <class T>
double quantile(std::vector<T>& values, double ratio) {
  if (values.empty()) return 0;
  const double position = ratio * static_cast<double>(values.size() - 1);
  const auto rank = static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  const double lower = values[rank], fraction = position - static_cast<double>(rank);
  if (fraction == 0) return lower;
  const double upper = *std::min_element(values.begin() + rank + 1, values.end());
  return lower + fraction * (upper - lower);
}

template <class T>
void threshold_sample(const Threshold& work, std::int64_t sample, std::vector<T>& magnitudes) {
  const std::int64_t begin = sample * work.size, end = begin + work.size;
  bool is_number = true;
  for (std::int64_t i = begin; i < end; ++i) {
    const T magnitude = static_cast<T>(std::fabs(generic::element(work.input, work.type, i)));
    is_number &= magnitude == magnitude;
    magnitudes[i - begin] = magnitude;
  }
  const double found = is_number ? quantile(magnitudes, work.ratio) : std::numeric_limits<double>::quiet_NaN();
  const double threshold = is_number ? std::clamp(found, 1.0, work.maximum) : found;
  work.thresholds[sample] = threshold;
  for (std::int64_t i = begin; i < end; ++i) {
    generic::set_element(work.output, work.type, i,
                         generic::thresholded(generic::element(work.input, work.type, i), threshold));
  }
}

template <class T>
void threshold_samples(const Threshold& work, int num_threads) {
  constexpr std::int64_t kElements = 1 << 15;
  const std::int64_t grain = std::max<std::int64_t>(1, kElements / std::max<std::int64_t>(work.size, 1));
  parallel_for(work.samples, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> magnitudes(work.size);
    for (; begin < end; ++begin) threshold_sample(work, begin, magnitudes);
  });
}

}  // namespace

void dynamic_threshold(const Threshold& work, int num_threads) {
  if (work.type == Scalar::float64) {
    threshold_samples<double>(work, num_threads);
  } else {
    threshold_samples<float>(work, num_threads);
  }
}

}  // namespace fastcv::ode
