// SPDX-License-Identifier: Apache-2.0
// Components by union-find over frames and points; repetitions by a counting sort.
#include "ba/inspect.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "camera/models.hd.h"
#include "core/interrupt.h"

namespace fastcv::ba {
namespace {

class Components {
 public:
  explicit Components(std::int64_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), std::int64_t(0)); }

  // True where they were apart.
  bool join(std::int64_t a, std::int64_t b) {
    a = root(a);
    b = root(b);
    parent_[a] = b;
    return a != b;
  }

 private:
  std::int64_t root(std::int64_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  std::vector<std::int64_t> parent_;
};

// Of observations: by point, then by image. Without branches, so that the compiler may use vectors.
struct Precedes {
  View<const std::int32_t, 1> images, points;
  bool operator()(std::int64_t a, std::int64_t b) const {
    return (points(a) < points(b)) | ((points(a) == points(b)) & (images(a) < images(b)));
  }
};

}  // namespace

bool are_sorted(View<const std::int32_t, 1> image_indices, View<const std::int32_t, 1> point_indices) {
  const Precedes precedes{image_indices, point_indices};
  bool sorted = true;
  polled_for(point_indices.size() - 1, [&](std::int64_t k) { sorted &= precedes(k, k + 1); });
  return sorted;
}

Inspection inspect(const Problem& problem) {
  Inspection found{0, 0};
  std::vector<char> spherical(problem.num_cameras(), 0), seen(problem.num_frames() + problem.num_points(), 0);
  for (std::int64_t c = 0; c < problem.num_cameras(); ++c) {
    generic::with_model(problem.camera_models(c), [&](auto model) { spherical[c] = decltype(model)::kSpherical; });
  }
  Components components(static_cast<std::int64_t>(seen.size()));
  polled_for(problem.num_observations(), [&](std::int64_t k) {
    const std::int32_t image = problem.image_indices(k), point = problem.point_indices(k);
    const std::int64_t frame = problem.frame(image), node = problem.num_frames() + point;
    found.num_components += !seen[frame] + !seen[node];
    seen[frame] = seen[node] = 1;
    found.num_components -= components.join(frame, node);
    const double *row = problem.cam_from_world[image] + 8, *x = problem.points[point];
    const bool behind = row[0] * x[0] + row[1] * x[1] + row[2] * x[2] + row[3] < 0;
    found.num_behind += behind && !spherical[problem.image_cameras(image)];
  });
  return found;
}

std::pair<std::int64_t, std::int64_t> first_repetition(View<const std::int32_t, 1> image_indices,
                                                       View<const std::int32_t, 1> point_indices,
                                                       std::int64_t num_points) {
  if (are_sorted(image_indices, point_indices)) return {-1, -1};
  const std::int64_t count = point_indices.size();
  const Precedes precedes{image_indices, point_indices};
  std::vector<std::int64_t> begin(num_points + 1, 0), order(count);
  polled_for(count, [&](std::int64_t k) { ++begin[point_indices(k) + 1]; });
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::int64_t> next = begin;
  polled_for(count, [&](std::int64_t k) { order[next[point_indices(k)]++] = k; });
  std::pair<std::int64_t, std::int64_t> found{-1, -1};
  polled_for(num_points, [&](std::int64_t p) {
    if (found.first >= 0) return;
    const auto first = order.begin() + begin[p], last = order.begin() + begin[p + 1];
    std::stable_sort(first, last, precedes);
    const auto again = std::adjacent_find(first, last, [&](auto a, auto b) { return !precedes(a, b); });
    if (again != last) found = {*again, *(again + 1)};
  });
  return found;
}

void count_rows(View<const std::int32_t, 1> indices, View<std::int32_t, 1> counts) {
  polled_for(indices.size(), [&](std::int64_t k) { ++counts(indices(k)); });
}

void item_ranges(View<const std::int32_t, 1> rows, View<const std::int32_t, 1> images,
                 View<const std::int32_t, 1> image_items, View<std::int32_t, 1> low, View<std::int32_t, 1> high) {
  polled_for(rows.size(), [&](std::int64_t k) {
    const std::int32_t row = rows(k), item = image_items(images(k));
    low(row) = std::min(low(row), item);
    high(row) = std::max(high(row), item);
  });
}

}  // namespace fastcv::ba
