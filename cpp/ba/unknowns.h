// SPDX-License-Identifier: Apache-2.0
// The free degrees of freedom of images and cameras, numbered. An image's Jacobian has columns for its pose and its
// intrinsics; images that share a camera share the unknowns behind the latter.
#pragma once

#include <cstdint>
#include <vector>

#include "ba/problem.h"

namespace fastcv::ba {

class Unknowns {
 public:
  Unknowns(const Problem& problem, int columns);

  std::int32_t count() const { return node_begin_.back(); }
  int columns() const { return columns_; }
  // Of each column of an image; -1 where it is fixed.
  const std::int32_t* of_image(std::int64_t image) const { return of_image_.data() + image * columns_; }

  // Nodes are what the elimination orders: an image's pose, with its intrinsics where it has its own; a shared camera.
  std::int64_t num_nodes() const { return static_cast<std::int64_t>(node_begin_.size()) - 1; }
  std::int32_t node_begin(std::int64_t node) const { return node_begin_[node]; }
  std::int32_t node_size(std::int64_t node) const { return node_begin_[node + 1] - node_begin_[node]; }
  std::int32_t node_of(std::int32_t unknown) const { return node_of_[unknown]; }

  // Values of the unknowns to every image's columns, 0 where fixed, and the transpose: sums over images.
  void spread(const double* unknowns, double* of_images) const;
  void gather(const double* of_images, double* unknowns) const;

 private:
  int columns_;
  std::vector<std::int32_t> of_image_, node_begin_, node_of_;
};

}  // namespace fastcv::ba
