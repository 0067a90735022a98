// SPDX-License-Identifier: Apache-2.0
// What pixels see of truncated signed distances: depth, normal and colour where their rays meet the surface.
#pragma once

#include "voxels/march.hd.h"

namespace fastcv::FASTCV_ISA {

class RenderPixels {
 public:
  FASTCV_HD RenderPixels(const voxels::Surface& surface, const voxels::RayView& view, const voxels::RenderBuffers& out)
      : surface_(surface), view_(view), out_(out) {}

  FASTCV_HD void operator()(std::int64_t pixel) const {
    VoxelReader<1> reader(surface_);
    render<1>(pixel, 1, reader);
  }
  // `count` pixels from `first` on, at most kTogether.
  template <int kTogether, class Reader>
  FASTCV_HD void render(std::int64_t first, int count, Reader& reader) const {
    March marches[kTogether];
    for (int k = 0; k < count; ++k) {
      clear(first + k);
      marches[k] = march_of(first + k);
    }
    for (bool going = true; going;) {
      going = false;
      for (int k = 0; k < count; ++k) {
        if (!marches[k].going()) continue;
        marches[k].step(reader);
        going = true;
      }
    }
    for (int k = 0; k < count; ++k) {
      Cell cell;
      const double z = marches[k].result(reader, cell);
      if (z > 0) shade(marches[k].ray(), z, cell, reader, first + k);
    }
  }

 private:
  FASTCV_HD void clear(std::int64_t pixel) const {
    out_.depth[pixel] = 0;
    for (int k = 0; k < 3; ++k) {
      out_.normals[3 * pixel + k] = 0;
      if (out_.colors) out_.colors[3 * pixel + k] = 0;
    }
  }
  FASTCV_HD March march_of(std::int64_t pixel) const {
    const float sx = view_.slopes.data[2 * pixel], sy = view_.slopes.data[2 * pixel + 1];
    if (!(sx - sx == 0 && sy - sy == 0)) return {};
    return {surface_, view_.voxel_size, ray_along(sx, sy), depths_of(sx, sy)};
  }
  FASTCV_HD Ray ray_along(double sx, double sy) const {
    Ray ray;
    double squares = 0;
    for (int r = 0; r < 3; ++r) {
      const double* m = view_.voxel_from_cam + 4 * r;
      ray.origin[r] = m[3];
      ray.direction[r] = m[0] * sx + m[1] * sy + m[2];
      ray.per_voxel_along[r] = ray.direction[r] == 0 ? 1e300 : 1 / ray.direction[r];
      squares += ray.direction[r] * ray.direction[r];
    }
    ray.per_voxel = 1 / sqrt(squares);
    return ray;
  }
  FASTCV_HD CellDepths depths_of(double sx, double sy) const {
    const auto cell = [](double slope, double first, double per_slope, std::int64_t count) {
      const double place = (slope - first) * per_slope;
      return place > 0 ? (place < double(count) ? static_cast<std::int64_t>(place) : count - 1) : 0;
    };
    const std::int64_t column = cell(sx, view_.first_slope[0], view_.cells_per_slope[0], view_.columns);
    const std::int64_t row = cell(sy, view_.first_slope[1], view_.cells_per_slope[1], view_.rows);
    const std::int64_t at = row * view_.columns + column;
    return {view_.ranges + 2 * at, view_.occupied[at]};
  }
  template <class Reader>
  FASTCV_HD void shade(const Ray& ray, double z, const Cell& cell, Reader& reader, std::int64_t pixel) const {
    double point[3];
    ray.at(z, point);
    float gradient[3];
    if (!gradient_at(point, cell, reader, gradient)) return;
    out_.depth[pixel] = static_cast<float>(z);
    for (int c = 0; c < 3; ++c) {
      const double* m = view_.voxel_from_cam;
      out_.normals[3 * pixel + c] =
          static_cast<float>(view_.voxel_size * (m[c] * double(gradient[0]) + m[4 + c] * double(gradient[1]) +
                                                 m[8 + c] * double(gradient[2])));
    }
    if (!out_.colors) return;
    for (int c = 0; c < 3; ++c) {
      float corners[8];
      for (int k = 0; k < 8; ++k) {
        const std::int64_t block = cell.voxel[k] / voxels::kBlockVoxels, voxel = cell.voxel[k] % voxels::kBlockVoxels;
        corners[k] = surface_.colors[(3 * block + c) * voxels::kBlockVoxels + voxel];
      }
      out_.colors[3 * pixel + c] = static_cast<std::uint8_t>(blend(corners, cell.fraction) + 0.5F);
    }
  }
  // Unit vector in the axes of the voxels: from the corners of a tetrahedron, whose sides are those of a cube of two
  // voxels, or within the cell where the field ends.
  template <class Reader>
  FASTCV_HD bool gradient_at(const double* point, const Cell& here, Reader& reader, float* gradient) const {
    bool known = true;
    for (int axis = 0; axis < 3; ++axis) gradient[axis] = 0;
    for (int corner = 0; corner < 4 && known; ++corner) {
      const int sign[3] = {corner & 1 ? 1 : -1, corner & 2 ? 1 : -1, corner == 1 || corner == 2 ? -1 : 1};
      const double moved[3] = {point[0] + 0.6 * sign[0], point[1] + 0.6 * sign[1], point[2] + 0.6 * sign[2]};
      Cell cell;
      known = reader.read(moved, cell);
      const float value = known ? blend(cell.value, cell.fraction) : 0;
      for (int axis = 0; axis < 3; ++axis) gradient[axis] += float(sign[axis]) * value;
    }
    float squares = 0;
    for (int axis = 0; axis < 3; ++axis) {
      if (!known) gradient[axis] = slope_within(here, axis);
      squares += gradient[axis] * gradient[axis];
    }
    const float length = sqrtf(squares);
    for (int axis = 0; axis < 3; ++axis) gradient[axis] /= length;
    return length > 0;
  }
  FASTCV_HD static float slope_within(const Cell& cell, int axis) {
    float low[3] = {cell.fraction[0], cell.fraction[1], cell.fraction[2]};
    float high[3] = {low[0], low[1], low[2]};
    low[axis] = 0;
    high[axis] = 1;
    return blend(cell.value, high) - blend(cell.value, low);
  }

  voxels::Surface surface_;
  voxels::RayView view_;
  voxels::RenderBuffers out_;
};

}  // namespace fastcv::FASTCV_ISA
