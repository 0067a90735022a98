// SPDX-License-Identifier: Apache-2.0
// One ray through truncated signed distances: Newcombe et al. 2011, "KinectFusion", section 3.3.
#pragma once

#include <cmath>

#include "voxels/cell_depths.hd.h"

namespace fastcv::FASTCV_ISA {

// The eight voxels whose centres surround a point, and where it lies between them.
struct Cell {
  float value[8];
  std::int64_t voxel[8];  // of the stored arrays; x is the lowest bit of a corner's number, then y, then z
  float fraction[3];      // x, y, z
};

FASTCV_HD float blend(const float* corners, const float* f) {
  const auto mix = [](float a, float b, float t) { return a + (b - a) * t; };
  const float y0 = mix(mix(corners[0], corners[1], f[0]), mix(corners[2], corners[3], f[0]), f[1]);
  const float y1 = mix(mix(corners[4], corners[5], f[0]), mix(corners[6], corners[7], f[0]), f[1]);
  return mix(y0, y1, f[2]);
}

// Where a voxel lies in its block.
FASTCV_HD std::int64_t offset_in_block(const std::int64_t* voxel) {
  return (voxel[2] & 7) << 6 | (voxel[1] & 7) << 3 | (voxel[0] & 7);
}

// Reads voxels, and remembers blocks by the lowest kBits bits of their coordinates, so that those which meet in a corner
// differ: eight of them for a thread of a GPU, for one of a CPU those that a ray and its neighbours meet on their way.
template <int kBits>
class VoxelReader {
 public:
  FASTCV_HD explicit VoxelReader(const voxels::Surface& surface) : surface_(surface) {
    for (std::int64_t& key : keys_) key = voxels::kNoKey;
  }

  // Where the block of a voxel is stored; -1 where there is no such block.
  FASTCV_HD std::int64_t find(const std::int64_t* voxel) {
    const auto part = [&](int axis) { return static_cast<std::int32_t>(voxel[axis] >> 3); };
    const std::int32_t block[3] = {part(2), part(1), part(0)};
    if (block[0] == last_[0] && block[1] == last_[1] && block[2] == last_[2]) return last_slot_;
    for (int axis = 0; axis < 3; ++axis) last_[axis] = block[axis];
    return last_slot_ = find_block(block);
  }
  // False where one of the eight voxels around the point (in voxels) is missing.
  FASTCV_HD bool read(const double* point, Cell& cell) {
    std::int64_t low[3];
    bool in_block = true;
    for (int axis = 0; axis < 3; ++axis) {
      const double shifted = point[axis] - 0.5, whole = floor(shifted);
      low[axis] = static_cast<std::int64_t>(whole);
      cell.fraction[axis] = static_cast<float>(shifted - whole);
      in_block &= (low[axis] & 7) != 7;
    }
    return in_block ? read_within(low, cell) : read_across(low, cell);
  }

 private:
  FASTCV_HD std::int64_t find_block(const std::int32_t* block) {
    if (!within_limit(block)) return -1;
    const std::int64_t key = block_key(block);
    constexpr int kMask = (1 << kBits) - 1;
    const int place = (block[0] & kMask) << (2 * kBits) | (block[1] & kMask) << kBits | (block[2] & kMask);
    if (keys_[place] != key) {
      keys_[place] = key;
      slots_[place] = find_slot(surface_.table, key);
    }
    return slots_[place];
  }
  FASTCV_HD bool read_within(const std::int64_t* low, Cell& cell) {
    const std::int64_t slot = find(low);
    if (slot < 0) return false;
    const std::int64_t first = slot * voxels::kBlockVoxels + offset_in_block(low);
    bool known = true;
    for (int corner = 0; corner < 8; ++corner) {
      const std::int64_t index = first + ((corner & 1) | (corner >> 1 & 1) << 3 | (corner >> 2) << 6);
      cell.voxel[corner] = index;
      cell.value[corner] = surface_.values[index];
      known &= surface_.weights[index] >= surface_.min_weight;
    }
    return known;
  }
  // Each of the blocks that meet here is looked for once: a corner's is that of the axes along which it lies beyond.
  FASTCV_HD bool read_across(const std::int64_t* low, Cell& cell) {
    int beyond = 0;
    for (int axis = 0; axis < 3; ++axis) beyond |= ((low[axis] & 7) == 7) << axis;
    std::int64_t slots[8] = {};
    bool known = true;
    for (int corner = 0; corner < 8 && known; ++corner) {
      const std::int64_t voxel[3] = {low[0] + (corner & 1), low[1] + (corner >> 1 & 1), low[2] + (corner >> 2)};
      slots[corner] = (corner & ~beyond) == 0 ? find(voxel) : slots[corner & beyond];
      known = slots[corner] >= 0;
      const std::int64_t index = slots[corner] * voxels::kBlockVoxels + offset_in_block(voxel);
      known = known && surface_.weights[index] >= surface_.min_weight;
      cell.voxel[corner] = index;
      cell.value[corner] = known ? surface_.values[index] : 0;
    }
    return known;
  }

  const voxels::Surface& surface_;
  std::int64_t keys_[1 << 3 * kBits], last_slot_ = -1;
  std::int32_t slots_[1 << 3 * kBits];
  std::int32_t last_[3] = {voxels::kBlockLimit, 0, 0};  // no block has these coordinates
};

struct Ray {
  double origin[3], direction[3];  // in voxels; the direction's length is that of z = 1
  double per_voxel_along[3];       // what a step of one voxel along an axis adds to z; 1e300 for infinitely much
  double per_voxel;                // what a step of one voxel along the ray adds to z

  FASTCV_HD void at(double z, double* point) const {
    for (int axis = 0; axis < 3; ++axis) point[axis] = origin[axis] + z * direction[axis];
  }
};

class RenderPixel {
 public:
  FASTCV_HD RenderPixel(const voxels::Surface& surface, const voxels::RayView& view, const voxels::RenderBuffers& out)
      : surface_(surface), view_(view), out_(out) {}

  FASTCV_HD void operator()(std::int64_t pixel) const {
    VoxelReader<1> reader(surface_);
    render(pixel, reader);
  }
  template <class Reader>
  FASTCV_HD void render(std::int64_t pixel, Reader& reader) const {
    out_.depth[pixel] = 0;
    for (int k = 0; k < 3; ++k) {
      out_.normals[3 * pixel + k] = 0;
      if (out_.colors) out_.colors[3 * pixel + k] = 0;
    }
    const float sx = view_.slopes.data[2 * pixel], sy = view_.slopes.data[2 * pixel + 1];
    if (!(sx - sx == 0 && sy - sy == 0)) return;
    const Ray ray = ray_along(sx, sy);
    Cell cell;
    const double z = first_crossing(ray, depths_of(sx, sy), reader, cell);
    if (z > 0) shade(ray, z, cell, reader, pixel);
  }

 private:
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
  // Where the ray leaves the block that a point, in the voxel `at`, is in.
  FASTCV_HD double block_end(const Ray& ray, const double* point, const std::int64_t* at, double z) const {
    constexpr double kBeyond = 1e-3;  // of a voxel, so that the next point lies in the next block
    double step = 1e300;
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t side = (at[axis] & ~std::int64_t(7)) + (ray.direction[axis] >= 0 ? voxels::kBlock : 0);
      const double to_side = (double(side) - point[axis]) * ray.per_voxel_along[axis];
      step = to_side < step ? to_side : step;
    }
    return z + (step > 0 ? step : 0) + kBeyond * ray.per_voxel;
  }

  // z, and the cell, of the first place where the distance goes from positive to negative; 0 where there is none, or
  // where it goes from negative to positive before: that is a surface seen from behind.
  template <class Reader>
  FASTCV_HD double first_crossing(const Ray& ray, const CellDepths& depths, Reader& reader, Cell& cell) const {
    double z = depths.near, last_z = 0, before = -1;
    float last = 0;                       // 0 where nothing is known of the place before
    while (z < depths.far && z > before) {  // far from the origin steps may be too small to tell
      before = z;
      double point[3];
      ray.at(z, point);
      std::int64_t at[3];
      for (int axis = 0; axis < 3; ++axis) at[axis] = static_cast<std::int64_t>(floor(point[axis]));
      const std::int64_t slot = reader.find(at);
      if (slot < 0) {
        last = 0;
        z = depths.next_occupied(block_end(ray, point, at, z));
        continue;
      }
      float value;
      if (!distance_at(point, slot * voxels::kBlockVoxels + offset_in_block(at), reader, value)) {
        last = 0;
        z += ray.per_voxel;
        continue;
      }
      if (value <= 0 && last > 0) return refine(ray, last_z, last, z, value, reader, cell);
      if (value > 0 && last < 0) return 0;
      last = value;
      last_z = z;
      z += step_from(value) * ray.per_voxel;
    }
    return 0;
  }
  // Distances are measured along the axes of cameras, which is more than to the nearest surface; and the band behind a
  // surface is as thick as the truncation, so that no step leaps over it.
  FASTCV_HD double step_from(float value) const {
    const double voxels = double(value < 0 ? -value : value) / view_.voxel_size;
    return voxels > 1 ? voxels : 1;
  }
  // Of the voxel that the point lies in where that is far from the surface, else between voxels.
  template <class Reader>
  FASTCV_HD bool distance_at(const double* point, std::int64_t voxel, Reader& reader, float& value) const {
    if (!(surface_.weights[voxel] >= surface_.min_weight)) return false;
    value = surface_.values[voxel];
    if (value >= 2 * view_.voxel_size || value <= -2 * view_.voxel_size) return true;
    Cell cell;
    if (!reader.read(point, cell)) return false;
    value = blend(cell.value, cell.fraction);
    return true;
  }
  // By the rule of false position, between a place before the surface and one behind it; 0 where voxels are missing.
  template <class Reader>
  FASTCV_HD double refine(const Ray& ray, double z0, float f0, double z1, float f1, Reader& reader,
                          Cell& cell) const {
    constexpr int kSteps = 5;
    constexpr double kNear = 2e-3;  // of a voxel
    double z = 0;
    for (int step = 0; step < kSteps; ++step) {
      z = z0 + (z1 - z0) * double(f0) / (double(f0) - double(f1));
      double point[3];
      ray.at(z, point);
      if (!reader.read(point, cell)) return 0;
      const float f = blend(cell.value, cell.fraction);
      if (f < kNear * view_.voxel_size && f > -kNear * view_.voxel_size) break;
      (f > 0 ? z0 : z1) = z;
      (f > 0 ? f0 : f1) = f;
    }
    return z;
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
