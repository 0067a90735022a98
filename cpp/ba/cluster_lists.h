// SPDX-License-Identifier: Apache-2.0
// What the coarse space of the resident solver is told of a problem's structure, once per solve.
#pragma once

#include "ba/resident_lists.h"

namespace fastcv::ba {

// What points and images are to the pairs of observations, points and clusters are to those of *meetings*: all
// observations of one point by the images of one cluster.
struct ClusterLists {
  using Longs = ResidentLists::Longs;
  using Ints = ResidentLists::Ints;

  // Clusters grow until they have no more than so many unknowns and pairs of meetings altogether.
  ClusterLists(const Problem& problem, const Equations& equations, double most_unknowns, double most_pairs,
               int num_threads);

  std::int64_t num_unknowns() const { return num_clusters * columns; }

  std::int64_t num_clusters;
  int columns;  // unknowns for each cluster (clusters.h)
  // Of every unknown: the cluster it belongs to, or -1; and 6 times its frame plus its place in a pose, or -1 minus its
  // place among its image's intrinsics.
  Ints cluster_of, places;
  // Of each cluster.
  Longs unknowns_begin, frames_begin, images_begin;
  Ints unknowns, frames, images;
  // Of each meeting, by point, then by cluster; those without cluster are left out.
  Ints meeting_points;
  Longs observations_begin, observations;
  std::unique_ptr<ObservationPairs> pairs;

 private:
  void list_members(const Clusters& clusters, const Unknowns& all);
  void list_meetings(const Clusters& clusters, const Equations& equations, int num_threads);
};

}  // namespace fastcv::ba
