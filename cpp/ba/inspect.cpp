// SPDX-License-Identifier: Apache-2.0
// Components by union-find over frames and points.
#include "ba/inspect.h"

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

}  // namespace

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

}  // namespace fastcv::ba
