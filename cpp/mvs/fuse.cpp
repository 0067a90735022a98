// SPDX-License-Identifier: Apache-2.0
// Fusion of one view with its neighbours. Serial: which pixels a point takes depends on the points before it.
#include "mvs/fuse.h"

#include "core/interrupt.h"
#include "core/parallel.h"
#include "mvs/consistency.hd.h"
#include "mvs/depth_normals.hd.h"

namespace fastcv::mvs {
namespace {

// The mean over the pixels of one point.
struct Accumulator {
  double xyz[3] = {}, rgb[3] = {};
  int count = 0;

  void add(const FuseView& view, std::int64_t pixel) {
    const double x = double(pixel % view.depth.shape[1]) + 0.5, y = double(pixel / view.depth.shape[1]) + 0.5;
    const auto point = generic::transfer(view.world_from_pixel, x, y, view.depth.data[pixel]);
    xyz[0] += point.x, xyz[1] += point.y, xyz[2] += point.z;
    for (int c = 0; c < 3; ++c) rgb[c] += view.color.data[3 * pixel + c];
    view.used.data[pixel] = 1;
    ++count;
  }
};

}  // namespace

void depth_normals(View<const float, 2> depth, const double* K, View<float, 3> out, int num_threads) {
  constexpr std::int64_t kGrain = 1 << 13;
  generic::NormalOne one{depth, {}, out.data};
  std::copy(K, K + 9, one.K);
  parallel_for(depth.size(), kGrain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) one(i);
  });
}

std::int64_t fuse_view(const FuseViews& views, const Neighbors& neighbors, const Consistency& rule,
                       View<const float, 3> normals, const double* world_from_cam, const PointBuffers& out) {
  const FuseView& reference = views.reference;
  std::int64_t num_points = 0;
  std::int64_t members[kMaxNeighbors];
  for (std::int64_t i = 0; i < reference.depth.size(); ++i) {
    const std::int64_t column = i % reference.depth.shape[1];
    if (column == 0) poll_interrupt();
    const double depth = reference.depth.data[i];
    if (!(depth > 0) || reference.used.data[i] != 0) continue;
    const double x = double(column) + 0.5, y = double(i / reference.depth.shape[1]) + 0.5;
    int confirmed = 0;
    for (int k = 0; k < neighbors.count; ++k) {
      members[k] = generic::consistent_pixel(neighbors.views[k], rule, x, y, depth);
      if (members[k] >= 0 && views.neighbors[k].used.data[members[k]] != 0) members[k] = -1;
      if (members[k] >= 0) ++confirmed;
    }
    if (confirmed < rule.min_consistent) continue;
    Accumulator mean;
    mean.add(reference, i);
    for (int k = 0; k < neighbors.count; ++k) {
      if (members[k] >= 0) mean.add(views.neighbors[k], members[k]);
    }
    const float* n = normals.data + 3 * i;
    for (int c = 0; c < 3; ++c) {
      const double* r = world_from_cam + 3 * c;
      out.xyz(num_points, c) = float(mean.xyz[c] / mean.count);
      out.rgb(num_points, c) = static_cast<std::uint8_t>(mean.rgb[c] / mean.count + 0.5);
      out.normals(num_points, c) = float(r[0] * n[0] + r[1] * n[1] + r[2] * n[2]);
    }
    ++num_points;
  }
  return num_points;
}

}  // namespace fastcv::mvs
