// SPDX-License-Identifier: Apache-2.0
// What the resident solver is told of a problem's structure, once per solve: lists that its kernels read.
#pragma once

#include <vector>

#include "ba/arrangement.h"

namespace fastcv::ba {

class Clusters;  // whose headers are for the host: they name the generic instruction set
class Unknowns;

struct ResidentLists {
  using Longs = std::vector<std::int64_t>;
  using Ints = std::vector<std::int32_t>;
  // The observations through each camera model; of a single one, all of them, and no list.
  struct Group {
    std::int32_t model;
    std::int64_t size;
    Longs observations;
  };
  // Priors of one kind by what they are about: (count + 1,), empty where there is none.
  struct PriorBegins {
    Longs poses, positions, points, params;
  };

  ResidentLists(const Problem& problem, const Arrangement& arrangement);

  std::vector<Group> groups;
  Ints param_columns, num_free;  // of every parameter in its images, -1 where fixed; of every camera
  Longs param_places;            // of every parameter among the columns of all images; -1 where fixed or without image
  // How many slots an image has (resident_unknowns.hd.h): more than columns where there are rigs.
  int width;
  // Unknowns: those behind the slots of images, and back; those that stand for so many of them that a thread alone
  // would take longer than everything else.
  static constexpr std::int64_t kMany = 32;
  Ints unknown_of;
  Longs slot_begin, slots, shared_by_many;
  Ints node_begin, node_of;
  // Where there are rigs, of every image; and the unknowns of every frame's and sensor's pose.
  Ints frames, sensors, of_frames, of_sensors;
  // Priors on parameters sorted by image.
  PriorBegins prior_begins;
  Longs prior_params;
  Ints prior_columns;
  std::vector<double> prior_values, prior_weights;

 private:
  void group_observations(const Problem& problem, const Equations& equations);
  void list_unknowns(const Unknowns& unknowns, std::int64_t num_images);
  void list_rigs(const Problem& problem, const Unknowns& unknowns);
  void list_params(const Problem& problem, int num_columns);
  void sort_priors(const Problem& problem);
};

// Who sees what: observations sorted by point, then by image.
struct Incidence {
  std::int64_t num_images, num_observations;
  const std::int32_t *images, *points;                       // of each observation
  const std::int64_t *point_begin, *image_begin, *by_image;  // as in Equations
  const bool *image_free, *point_free;                       // null where all are

  static Incidence of(const Equations& e) {
    return {e.num_images,  e.num_observations, e.images,     e.points,    e.point_begin,
            e.image_begin, e.by_image,         e.image_free, e.point_free};
  }
};

// For every two free images with common free points, and every image with itself, the pairs of their observations of
// one point.
struct ObservationPairs {
  ObservationPairs(const Incidence& incidence, int num_threads);

  std::vector<std::int64_t> begin;
  Buffer<std::int64_t> first, second;  // of the later image, of the earlier one
  std::vector<std::int32_t> later, earlier;
};

}  // namespace fastcv::ba
