// SPDX-License-Identifier: Apache-2.0
// The free degrees of freedom of frames, sensors and cameras, numbered, and how an image's columns follow from them.
#pragma once

#include <cstdint>
#include <vector>

#include "ba/equations.h"
#include "ba/problem.h"
#include "ba/rig.hd.h"

namespace fastcv::ba {

// An image's Jacobian has columns z for its pose and its intrinsics. They are linear in the unknowns u that it depends
// on, z = E u: E numbers them, lets images that share a camera share the unknowns behind its columns, and where there
// are rigs makes a pose of those of its frame and its sensor.
class Unknowns {
 public:
  Unknowns(const Problem& problem, int columns);
  // Nodes of one size that share nothing, each that of an image.
  Unknowns(std::int64_t num_nodes, int size);

  std::int32_t count() const { return node_begin_.back(); }
  int columns() const { return columns_; }
  // What an image depends on: its frame's pose, its free intrinsics and, where the problem has rigs, its sensor's pose.
  // -1 for what is fixed. Without rigs there are as many as columns.
  int width() const { return width_; }
  static constexpr int kMostWidth = kMostColumns + generic::ba::kPoseSize;
  const std::int32_t* of_image(std::int64_t image) const { return of_image_.data() + image * width_; }
  std::int64_t frame(std::int64_t image) const { return has_rigs() ? frames_[image] : image; }
  std::int64_t num_frames() const { return static_cast<std::int64_t>(of_frame_.size()) / generic::ba::kPoseSize; }
  // The pose (w, v) of each.
  const std::int32_t* of_frame(std::int64_t frame) const { return of_frame_.data() + frame * generic::ba::kPoseSize; }
  const std::int32_t* of_sensor(std::int64_t sensor) const {
    return of_sensor_.data() + sensor * generic::ba::kPoseSize;
  }

  // Nodes are what the elimination orders: a frame's pose, with its image's intrinsics where it has one with its own; a
  // shared camera; a sensor's pose.
  std::int64_t num_nodes() const { return static_cast<std::int64_t>(node_begin_.size()) - 1; }
  std::int32_t node_begin(std::int64_t node) const { return node_begin_[node]; }
  std::int32_t node_size(std::int64_t node) const { return node_begin_[node + 1] - node_begin_[node]; }
  std::int32_t node_of(std::int32_t unknown) const { return node_of_[unknown]; }

  // Where rigs and sensors stand: E depends on it. Arrays of (3, 4) matrices.
  void stand_at(const double* rig_from_world, const double* sensor_from_rig);

  void spread(const double* unknowns, double* of_images) const;        // E u, to every image's columns; 0 where fixed
  void gather(const double* of_images, double* unknowns) const;        // the sum of Eᵀ z over images
  void gather_diagonal(const double* blocks, double* unknowns) const;  // of the sum of Eᵀ block E

  // Eᵀ block E, (width, width) as in block_index, of the columns of `image` by those of `other`; of an image's own
  // block one triangle is read. Where there is nothing to do it is the block itself and not `scratch`, which has room
  // for kMostWidth².
  const double* fold(std::int64_t image, std::int64_t other, const double* block, double* scratch) const;
  // The way back of an inverse: block += E folded Eᵀ.
  void unfold(std::int64_t image, std::int64_t other, const double* folded, double* block) const;
  bool has_rigs() const { return width_ > columns_; }

 private:
  void number(const Problem& problem);
  const generic::ba::PoseMap* map(std::int64_t image) const;
  void pull(std::int64_t image, const double* columns, double* folded) const;
  void push(std::int64_t image, const double* folded, double* columns) const;

  int columns_, width_;
  std::vector<std::int32_t> of_image_, of_frame_, of_sensor_, node_begin_, node_of_;
  std::vector<std::int32_t> frames_, sensors_;  // of every image, where there are rigs
  std::vector<generic::ba::PoseMap> maps_;      // of every image
};

}  // namespace fastcv::ba
