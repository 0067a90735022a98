// SPDX-License-Identifier: Apache-2.0
#include "ba/cluster_lists.h"

#include <algorithm>
#include <numeric>

#include "ba/clusters.h"
#include "core/interrupt.h"

namespace fastcv::ba {
namespace {

constexpr int kPose = generic::ba::kPoseSize;

// Of the pairs of meetings, each with itself among them.
double count_pairs(const Clusters& clusters, const Equations& e) {
  double pairs = 0;
  std::vector<std::int64_t> seen_in(clusters.count(), -1);
  polled_for(e.num_points, [&](std::int64_t p) {
    std::int64_t met = 0;
    for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
      const std::int32_t cluster = clusters.of_image(e.images[k]);
      if (cluster < 0 || seen_in[cluster] == p) continue;
      seen_in[cluster] = p;
      ++met;
    }
    pairs += 0.5 * static_cast<double>(met * (met + 1));
  });
  return pairs;
}

}  // namespace

ClusterLists::ClusterLists(const Problem& problem, const Equations& e, double most_unknowns, double most_pairs,
                           int num_threads) {
  const Unknowns all(problem, e.columns);
  Clusters clusters(e, all);
  columns = clusters.columns();
  const auto num_frames = static_cast<double>(all.num_frames());
  int size = Clusters::kSmallest;
  // Clusters of this size would be too many if all of them were full.
  while (size < num_frames && num_frames / size * columns > most_unknowns) size *= 2;
  for (;; size *= 2) {
    clusters.make(size);
    if (size >= num_frames) break;
    if (clusters.count() * columns <= most_unknowns && count_pairs(clusters, e) <= most_pairs) break;
  }
  num_clusters = clusters.count();
  list_members(clusters, all);
  list_meetings(clusters, e, num_threads);
}

void ClusterLists::list_members(const Clusters& clusters, const Unknowns& all) {
  cluster_of.assign(all.count(), -1);
  places.assign(all.count(), 0);
  for (Longs* begin : {&unknowns_begin, &frames_begin, &images_begin}) *begin = {0};
  for (std::int32_t cluster = 0; cluster < num_clusters; ++cluster) {
    const auto add = [&](std::int32_t unknown, std::int32_t place) {
      if (unknown < 0) return;
      cluster_of[unknown] = cluster;
      places[unknown] = place;
      unknowns.push_back(unknown);
    };
    for (const std::int32_t frame : clusters.frames(cluster)) {
      for (int r = 0; r < kPose; ++r) add(all.of_frame(frame)[r], frame * kPose + r);
      frames.push_back(frame);
    }
    for (const std::int32_t image : clusters.images(cluster)) {
      for (int a = 0; a < clusters.num_intrinsics(); ++a) add(clusters.own(image)[a], -1 - a);
      images.push_back(image);
    }
    unknowns_begin.push_back(static_cast<std::int64_t>(unknowns.size()));
    frames_begin.push_back(static_cast<std::int64_t>(frames.size()));
    images_begin.push_back(static_cast<std::int64_t>(images.size()));
  }
}

void ClusterLists::list_meetings(const Clusters& clusters, const Equations& e, int num_threads) {
  Ints meeting_clusters;
  Longs point_begin{0}, cluster_begin(num_clusters + 1, 0);
  std::vector<std::pair<std::int32_t, std::int64_t>> track;  // clusters, observations
  observations_begin = {0};
  polled_for(e.num_points, [&](std::int64_t p) {
    track.clear();
    for (std::int64_t k = e.point_begin[p]; k < e.point_begin[p + 1]; ++k) {
      const std::int32_t cluster = clusters.of_image(e.images[k]);
      if (cluster >= 0) track.emplace_back(cluster, k);
    }
    std::sort(track.begin(), track.end());
    for (std::size_t i = 0; i < track.size(); ++i) {
      observations.push_back(track[i].second);
      if (i + 1 < track.size() && track[i + 1].first == track[i].first) continue;
      meeting_clusters.push_back(track[i].first);
      meeting_points.push_back(static_cast<std::int32_t>(p));
      observations_begin.push_back(static_cast<std::int64_t>(observations.size()));
      ++cluster_begin[track[i].first + 1];
    }
    point_begin.push_back(static_cast<std::int64_t>(meeting_clusters.size()));
  });
  std::partial_sum(cluster_begin.begin(), cluster_begin.end(), cluster_begin.begin());
  Longs by_cluster(meeting_clusters.size()), next = cluster_begin;
  for (std::size_t i = 0; i < by_cluster.size(); ++i) {
    by_cluster[next[meeting_clusters[i]]++] = static_cast<std::int64_t>(i);
  }
  pairs = std::make_unique<ObservationPairs>(
      Incidence{num_clusters, static_cast<std::int64_t>(by_cluster.size()), meeting_clusters.data(),
                meeting_points.data(), point_begin.data(), cluster_begin.data(), by_cluster.data(), nullptr, nullptr},
      num_threads);
}

}  // namespace fastcv::ba
