// SPDX-License-Identifier: Apache-2.0
// The vertices and triangles of a layer of a block, at the places that were counted for them.
#pragma once

#include <cmath>

#include "voxels/cells.hd.h"

namespace fastcv::FASTCV_ISA {

// One sample, or none: block -1.
struct SamplePlace {
  std::int64_t block;
  int z, y, x;
};

// The sample at a place that may lie in a block beside this one.
FASTCV_HD SamplePlace place_near(const voxels::Samples& s, std::int64_t block, int z, int y, int x) {
  constexpr int kLast = voxels::kBlock - 1;
  if (((z | y | x) & ~kLast) != 0) {
    const auto side = [](int i) { return i < 0 ? -1 : i > kLast ? 1 : 0; };
    block = s.neighbor(block, side(z), side(y), side(x));
  }
  return {block, z & kLast, y & kLast, x & kLast};
}

struct EmitVertices {
  voxels::Samples samples;
  voxels::Signs signs;
  voxels::Surface surface;
  voxels::MeshArrays mesh;

  FASTCV_HD void operator()(std::int64_t block_layer) const {
    const std::int64_t i = block_layer / voxels::kBlock;
    const int z = static_cast<int>(block_layer % voxels::kBlock);
    for (int axis = 0; axis < 3; ++axis) {
      std::int64_t vertex = mesh.first[2 * i] + surface.vertex_starts[3 * block_layer + axis];
      for (std::uint64_t open = surface.edges[3 * block_layer + axis]; open != 0; ++vertex) {
        const int bit = take_lowest(open);
        emit(vertex, surface.blocks[i], z, bit / voxels::kBlock, bit % voxels::kBlock, axis);
      }
    }
  }

 private:
  // `value` becomes that of the sample, if it is known.
  FASTCV_HD bool read(std::int64_t block, int z, int y, int x, float& value) const {
    const SamplePlace p = place_near(samples, block, z, y, x);
    if (p.block < 0 || (layer(signs.known, p.block, p.z) >> (voxels::kBlock * p.y + p.x) & 1) == 0) return false;
    value = samples.values[samples.place(p.block, p.z, p.y, p.x)];
    return true;
  }
  // Differences between the samples around one, as far as they are known.
  FASTCV_HD void gradient(std::int64_t block, int z, int y, int x, float value, float* result) const {
    for (int axis = 0; axis < 3; ++axis) {
      const int dx = axis == 0, dy = axis == 1, dz = axis == 2;
      float low = value, high = value;
      const int steps = read(block, z - dz, y - dy, x - dx, low) + read(block, z + dz, y + dy, x + dx, high);
      result[axis] = steps == 2 ? 0.5F * (high - low) : high - low;
    }
  }
  FASTCV_HD void emit(std::int64_t vertex, std::int64_t block, int z, int y, int x, int axis) const {
    const int ends[2][3] = {{z, y, x}, {z + (axis == 2), y + (axis == 1), x + (axis == 0)}};
    float value[2] = {}, slope[2][3];
    for (int k = 0; k < 2; ++k) {
      read(block, ends[k][0], ends[k][1], ends[k][2], value[k]);
      gradient(block, ends[k][0], ends[k][1], ends[k][2], value[k], slope[k]);
    }
    const float t = (samples.level - value[0]) / (value[1] - value[0]);
    for (int a = 0; a < 3; ++a) {
      const double first = double(samples.coordinate(block, 2 - a) * voxels::kBlock + ends[0][2 - a]) + 0.5;
      const double along = first + (a == axis ? double(t) : 0.0);
      mesh.vertices[3 * vertex + a] = static_cast<float>(samples.origin[a] + samples.voxel_size * along);
    }
    float normal[3];
    for (int a = 0; a < 3; ++a) normal[a] = slope[0][a] + t * (slope[1][a] - slope[0][a]);
    write_normal(vertex, normal, axis, value[0] < value[1] ? 1.0F : -1.0F);
    if (mesh.colors) write_color(vertex, block, ends, t);
  }
  // Along the edge, away from the inside, where the field has no slope.
  FASTCV_HD void write_normal(std::int64_t vertex, const float* slope, int axis, float sign) const {
    // In units of the largest part, whose square neither overflows nor vanishes.
    float largest = 0;
    for (int a = 0; a < 3; ++a) largest = fabsf(slope[a]) > largest ? fabsf(slope[a]) : largest;
    float* normal = mesh.normals + 3 * vertex;
    const bool usable = largest > 0 && largest <= FLT_MAX;
    for (int a = 0; a < 3; ++a) normal[a] = usable ? slope[a] / largest : a == axis ? sign : 0.0F;
    const float length = sqrtf(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
    for (int a = 0; a < 3; ++a) normal[a] /= length;
  }
  FASTCV_HD void write_color(std::int64_t vertex, std::int64_t block, const int (*ends)[3], float t) const {
    const SamplePlace p[2] = {place_near(samples, block, ends[0][0], ends[0][1], ends[0][2]),
                              place_near(samples, block, ends[1][0], ends[1][1], ends[1][2])};
    for (int c = 0; c < 3; ++c) {
      float channel[2];
      for (int k = 0; k < 2; ++k)
        channel[k] = samples.colors[3 * samples.place(p[k].block, p[k].z, p[k].y, p[k].x) + c];
      const float mixed = channel[0] + t * (channel[1] - channel[0]);
      mesh.colors[3 * vertex + c] = static_cast<std::uint8_t>(mixed + 0.5F);
    }
  }
};

struct EmitTriangles {
  voxels::Samples samples;
  voxels::Signs signs;
  voxels::Surface surface;
  voxels::MeshArrays mesh;
  const voxels::CubeCases* cases;

  FASTCV_HD void operator()(std::int64_t block_layer) const {
    const std::int64_t i = block_layer / voxels::kBlock;
    const int z = static_cast<int>(block_layer % voxels::kBlock);
    std::uint64_t open = surface.cells[block_layer];
    if (open == 0) return;
    const Octet after = octet<1>(samples, surface.blocks[i]), ranks = ranked(after, surface.ranks);
    const Quad inside = quad_after(signs.inside, after, z), next = quad_after(signs.inside, after, z + 1);
    std::int32_t* out = mesh.faces + 3 * (mesh.first[2 * i + 1] + surface.triangle_starts[block_layer]);
    while (open != 0) {
      const int bit = take_lowest(open);
      const voxels::CubeCase& cell = cases->of[case_of(inside, next, bit)];
      for (int k = 0; k < 3 * cell.num_triangles; ++k) {
        *out++ = vertex_on(cell.edges[k], ranks, z, bit / voxels::kBlock, bit % voxels::kBlock);
      }
    }
  }

 private:
  // The number of the vertex on an edge of the cell at (z, y, x).
  FASTCV_HD std::int32_t vertex_on(int edge, const Octet& ranks, int z, int y, int x) const {
    const int axis = edge >> 2, high = edge >> 1 & 1, low = edge & 1;
    if (axis == 2) {
      y += high;
    } else {
      z += high;
    }
    if (axis == 0) {
      y += low;
    } else {
      x += low;
    }
    constexpr int kBits = 3;
    const std::int64_t owner = ranks.of[4 * (z >> kBits) + 2 * (y >> kBits) + (x >> kBits)];
    const std::int64_t at = 3 * (owner * voxels::kBlock + (z & 7)) + axis;
    const std::uint64_t before = (std::uint64_t(1) << (voxels::kBlock * (y & 7) + (x & 7))) - 1;
    const std::int64_t vertex =
        mesh.first[2 * owner] + surface.vertex_starts[at] + __builtin_popcountll(surface.edges[at] & before);
    return static_cast<std::int32_t>(vertex);
  }
};

}  // namespace fastcv::FASTCV_ISA
