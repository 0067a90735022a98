// SPDX-License-Identifier: Apache-2.0
// A ray's way to where it meets the surface: Newcombe et al. 2011, "KinectFusion", section 3.3.
#pragma once

#include "voxels/cell_depths.hd.h"
#include "voxels/voxel_reader.hd.h"

namespace fastcv::FASTCV_ISA {

struct Ray {
  double origin[3], direction[3];  // in voxels; the direction's length is that of z = 1
  double per_voxel_along[3];       // what a step of one voxel along an axis adds to z; 1e300 for infinitely much
  double per_voxel;                // what a step of one voxel along the ray adds to z

  FASTCV_HD void at(double z, double* point) const {
    for (int axis = 0; axis < 3; ++axis) point[axis] = origin[axis] + z * direction[axis];
  }
};

// One step at a time, so that several rays can go in turns: a step waits long for what it reads.
class March {
 public:
  March() = default;
  FASTCV_HD March(const voxels::Surface& surface, double voxel_size, const Ray& ray, const CellDepths& depths)
      : surface_(&surface),
        voxel_size_(voxel_size),
        ray_(ray),
        depths_(depths),
        z_(depths.near),
        going_(z_ < depths.far) {}

  FASTCV_HD bool going() const { return going_; }
  FASTCV_HD const Ray& ray() const { return ray_; }

  template <class Reader>
  FASTCV_HD void step(Reader& reader) {
    double point[3];
    ray_.at(z_, point);
    std::int64_t at[3];
    for (int axis = 0; axis < 3; ++axis) at[axis] = static_cast<std::int64_t>(floor(point[axis]));
    const std::int64_t slot = reader.find(at);
    float value;
    if (slot < 0) return unknown(depths_.next_occupied(block_end(point, at)));
    if (!distance_at(point, slot * voxels::kBlockVoxels + offset_in_block(at), reader, value)) {
      return unknown(z_ + ray_.per_voxel);
    }
    found_ = value <= 0 && last_ > 0;
    if (found_ || (value > 0 && last_ < 0)) {
      behind_ = value;
      going_ = false;
      return;
    }
    last_ = value;
    last_z_ = z_;
    go_to(z_ + step_from(value) * ray_.per_voxel);
  }
  // z, and the cell, of the first place where the distance goes from positive to negative; 0 where there is none, or
  // where it goes from negative to positive before: that is a surface seen from behind.
  template <class Reader>
  FASTCV_HD double result(Reader& reader, Cell& cell) const {
    return found_ ? refine(last_z_, last_, z_, behind_, reader, cell) : 0;
  }

 private:
  FASTCV_HD void unknown(double next) {
    last_ = 0;
    go_to(next);
  }
  FASTCV_HD void go_to(double next) {
    going_ = next < depths_.far && next > z_;  // far from the origin steps may be too small to tell
    z_ = next;
  }
  // Where the ray leaves the block that a point, in the voxel `at`, is in.
  FASTCV_HD double block_end(const double* point, const std::int64_t* at) const {
    constexpr double kBeyond = 1e-3;  // of a voxel, so that the next point lies in the next block
    double step = 1e300;
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t side = (at[axis] & ~std::int64_t(7)) + (ray_.direction[axis] >= 0 ? voxels::kBlock : 0);
      const double to_side = (double(side) - point[axis]) * ray_.per_voxel_along[axis];
      step = to_side < step ? to_side : step;
    }
    return z_ + (step > 0 ? step : 0) + kBeyond * ray_.per_voxel;
  }
  // Distances are measured along the axes of cameras, which is more than to the nearest surface; and the band behind a
  // surface is as thick as the truncation, so that no step leaps over it.
  FASTCV_HD double step_from(float value) const {
    const double voxels = double(value < 0 ? -value : value) / voxel_size_;
    return voxels > 1 ? voxels : 1;
  }
  // Of the voxel that the point lies in where that is far from the surface, else between voxels.
  template <class Reader>
  FASTCV_HD bool distance_at(const double* point, std::int64_t voxel, Reader& reader, float& value) const {
    if (!(surface_->weights[voxel] >= surface_->min_weight)) return false;
    value = surface_->values[voxel];
    if (value >= 2 * voxel_size_ || value <= -2 * voxel_size_) return true;
    Cell cell;
    if (!reader.read(point, cell)) return false;
    value = blend(cell.value, cell.fraction);
    return true;
  }
  // By the rule of false position, between a place before the surface and one behind it; 0 where voxels are missing.
  template <class Reader>
  FASTCV_HD double refine(double z0, float f0, double z1, float f1, Reader& reader, Cell& cell) const {
    constexpr int kSteps = 5;
    constexpr double kNear = 2e-3;  // of a voxel
    double z = 0;
    for (int step = 0; step < kSteps; ++step) {
      z = z0 + (z1 - z0) * double(f0) / (double(f0) - double(f1));
      double point[3];
      ray_.at(z, point);
      if (!reader.read(point, cell)) return 0;
      const float f = blend(cell.value, cell.fraction);
      if (f < kNear * voxel_size_ && f > -kNear * voxel_size_) break;
      (f > 0 ? z0 : z1) = z;
      (f > 0 ? f0 : f1) = f;
    }
    return z;
  }

  const voxels::Surface* surface_;
  double voxel_size_;
  Ray ray_;
  CellDepths depths_;
  double z_, last_z_ = 0;
  float last_ = 0, behind_ = 0;  // distances at last_z_, 0 where nothing is known of it, and at z_ in the end
  bool going_ = false, found_ = false;
};

}  // namespace fastcv::FASTCV_ISA
