// SPDX-License-Identifier: Apache-2.0
// Sorting, chunks and lists, once per solve.
#include "ba/arrangement.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "ba/inspect.h"
#include "ba/reprojection.hd.h"
#include "core/interrupt.h"
#include "core/parallel.h"

namespace fastcv::ba {
namespace {

constexpr int kPoseSize = generic::ba::kPoseSize;
// Kernels exist for these numbers of columns (eliminate_points.leaf.cpp); unused columns stay zero.
constexpr std::array kColumns{6, 7, 8, 9, 10, 12, 14, 16, 18, 24};
// A chunk is large enough to be worth a thread's turn, and there are few enough of them for the sums over their images.
constexpr std::int64_t kSmallestChunk = 1024, kMostChunks = 128;

// counts[i] entries of each bin become the first position of each, one more at the end.
std::vector<std::int64_t> begins(std::int64_t bins, const std::int32_t* values, std::int64_t size) {
  std::vector<std::int64_t> begin(bins + 1, 0);
  polled_for(size, [&](std::int64_t i) { ++begin[values[i] + 1]; });
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  return begin;
}

}  // namespace

Arrangement::Arrangement(const Problem& problem) {
  equations_.num_images = problem.num_images();
  equations_.num_points = problem.num_points();
  equations_.num_observations = problem.num_observations();
  equations_.point_free = problem.points_free.data;
  equations_.point_priors = problem.point_priors;
  choose_columns(problem);
  find_free_images(problem);
  place_observations(problem);
  cut_chunks();
  list_by_image();
  jacobian_ = Buffer<float>(equations_.num_observations * 2 * equations_.columns);
  equations_.jacobian = jacobian_.data();
  point_hessian_ = Buffer<double>(6 * equations_.num_points);
  equations_.point_hessian = point_hessian_.data();
  point_gradient_ = Buffer<double>(3 * equations_.num_points);
  equations_.point_gradient = point_gradient_.data();
  point_inverse_ = Buffer<double>(6 * equations_.num_points);
  equations_.point_inverse = point_inverse_.data();
  partial_ = Buffer<double>(static_cast<std::int64_t>(chunk_images_.size()) * equations_.columns);
  equations_.partial = partial_.data();
}

void Arrangement::choose_columns(const Problem& problem) {
  const std::int64_t num_cameras = problem.num_cameras();
  num_free_.assign(num_cameras, 0);
  for (std::int64_t c = 0; c < num_cameras; ++c) {
    for (std::int64_t i = problem.param_offsets(c); i < problem.param_offsets(c + 1); ++i) {
      num_free_[c] += problem.params_free(i);
    }
  }
  const int wanted = kPoseSize + *std::max_element(num_free_.begin(), num_free_.end());
  equations_.columns = *std::lower_bound(kColumns.begin(), kColumns.end(), wanted);
  free_params_.assign(num_cameras * (equations_.columns - kPoseSize), 0);
  for (std::int64_t c = 0; c < num_cameras; ++c) {
    std::uint8_t* next = free_params_.data() + c * (equations_.columns - kPoseSize);
    const std::int64_t first = problem.param_offsets(c), count = problem.param_offsets(c + 1) - first;
    for (std::int64_t i = 0; i < count; ++i) {
      if (problem.params_free(first + i)) *next++ = static_cast<std::uint8_t>(i);
    }
  }
  lenses_ = {problem.image_cameras.data, problem.camera_models.data, problem.param_offsets.data, free_params_.data(),
             num_free_.data()};
}

void Arrangement::find_free_images(const Problem& problem) {
  const auto any = [](const bool* free) { return std::any_of(free, free + kPoseSize, [](bool is) { return is; }); };
  image_free_ = std::make_unique<bool[]>(problem.num_images());
  for (std::int64_t i = 0; i < problem.num_images(); ++i) {
    const std::int32_t sensor = problem.sensor(i);
    image_free_[i] = any(problem.pose_free[problem.frame(i)]) || num_free_[problem.image_cameras(i)] > 0 ||
                     (sensor >= 0 && any(problem.rigs.sensor_free[sensor]));
  }
  equations_.image_free = image_free_.get();
}

void Arrangement::place_observations(const Problem& problem) {
  const std::int64_t count = problem.num_observations();
  point_begin_ = begins(problem.num_points(), problem.point_indices.data, count);
  by_image_ = Buffer<std::int64_t>(count);
  if (!are_sorted(problem.image_indices, problem.point_indices)) sort(problem);
  const bool copied = images_.size() > 0;
  equations_.point_begin = point_begin_.data();
  equations_.images = copied ? images_.data() : problem.image_indices.data;
  equations_.points = copied ? points_.data() : problem.point_indices.data;
  equations_.observed = copied ? observed_.data() : problem.observations.data;
  equations_.weights = copied ? weights_.data() : problem.weights.data;
  equations_.whitening = problem.whitening.rows == 0 ? nullptr : copied ? whitening_.data() : problem.whitening.data;
}

// By point, then by image: two stable counting sorts. by_image_ is to hold the sorted ones, later (list_by_image).
void Arrangement::sort(const Problem& problem) {
  const std::int64_t count = problem.num_observations();
  std::vector<std::int64_t> next = begins(problem.num_images(), problem.image_indices.data, count);
  polled_for(count, [&](std::int64_t k) { by_image_[next[problem.image_indices(k)]++] = k; });
  next = point_begin_;
  images_ = Buffer<std::int32_t>(count);
  points_ = Buffer<std::int32_t>(count);
  observed_ = Buffer<double>(2 * count);
  weights_ = Buffer<double>(count);
  if (problem.whitening.rows > 0) whitening_ = Buffer<double>(3 * count);
  polled_for(count, [&](std::int64_t j) {
    const std::int64_t k = by_image_[j], i = next[problem.point_indices(k)]++;
    images_[i] = problem.image_indices(k);
    points_[i] = problem.point_indices(k);
    observed_[2 * i] = problem.observations[k][0];
    observed_[2 * i + 1] = problem.observations[k][1];
    weights_[i] = problem.weights(k);
    if (whitening_.size() > 0) std::copy_n(problem.whitening[k], 3, whitening_.data() + 3 * i);
  });
}

void Arrangement::cut_chunks() {
  const std::int64_t count = equations_.num_observations;
  const std::int64_t size = std::max(kSmallestChunk, (count + kMostChunks - 1) / kMostChunks);
  std::vector<std::int64_t> seen_in(equations_.num_images, -1);
  std::vector<std::uint32_t> row(equations_.num_images);
  local_ = Buffer<std::uint32_t>(count);
  const Priors& priors = equations_.point_priors;
  std::int64_t prior = 0;
  for (std::int64_t p = 0; p < equations_.num_points;) {
    poll_interrupt();
    Chunk chunk{p, p, static_cast<std::int64_t>(chunk_images_.size()), 0, prior, prior};
    while (p < equations_.num_points && point_begin_[p] - point_begin_[chunk.point_begin] < size) {
      longest_track_ = std::max(longest_track_, point_begin_[p + 1] - point_begin_[p]);
      for (std::int64_t k = point_begin_[p]; k < point_begin_[p + 1]; ++k) {
        const std::int32_t image = equations_.images[k];
        if (seen_in[image] != num_chunks()) {
          seen_in[image] = num_chunks();
          row[image] = static_cast<std::uint32_t>(chunk.num_images++);
          chunk_images_.push_back(image);
        }
        local_[k] = row[image];
      }
      ++p;
    }
    while (prior < priors.size() && priors.rows(prior) < p) ++prior;
    chunk.point_end = p;
    chunk.priors_end = prior;
    chunks_.push_back(chunk);
  }
  equations_.chunks = chunks_.data();
  equations_.chunk_images = chunk_images_.data();
  equations_.local = local_.data();
}

void Arrangement::list_by_image() {
  const std::int64_t count = equations_.num_observations, num_rows = static_cast<std::int64_t>(chunk_images_.size());
  image_begin_ = begins(equations_.num_images, equations_.images, count);
  std::vector<std::int64_t> next = image_begin_;
  image_points_ = Buffer<std::int32_t>(count);
  polled_for(count, [&](std::int64_t k) {
    const std::int64_t i = next[equations_.images[k]]++;
    by_image_[i] = k;
    image_points_[i] = equations_.points[k];
  });
  image_partials_begin_ = begins(equations_.num_images, chunk_images_.data(), num_rows);
  image_partials_.resize(num_rows);
  next = image_partials_begin_;
  for (std::int64_t i = 0; i < num_rows; ++i) image_partials_[next[chunk_images_[i]]++] = i;
  equations_.image_begin = image_begin_.data();
  equations_.by_image = by_image_.data();
  equations_.image_points = image_points_.data();
}

double Arrangement::num_pairs() const {
  double pairs = 0;
  for (std::int64_t p = 0; p < equations_.num_points; ++p) {
    if (!equations_.point_free[p]) continue;
    double track = 0;
    for (std::int64_t k = point_begin_[p]; k < point_begin_[p + 1]; ++k) track += image_free_[equations_.images[k]];
    pairs += track * (track + 1) / 2;
  }
  return pairs;
}

void Arrangement::add_partials(double* sums, int num_threads) const {
  const int columns = equations_.columns;
  const std::int64_t grain =
      std::max<std::int64_t>(1, (1 << 16) * equations_.num_images / std::max<std::int64_t>(1, partial_.size()));
  parallel_for(equations_.num_images, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t image = begin; image < end; ++image) {
      double* sum = sums + image * columns;
      std::fill_n(sum, columns, 0.0);
      for (std::int64_t i = image_partials_begin_[image]; i < image_partials_begin_[image + 1]; ++i) {
        const double* row = partial_.data() + image_partials_[i] * columns;
        for (int c = 0; c < columns; ++c) sum[c] += row[c];
      }
    }
  });
}

}  // namespace fastcv::ba
