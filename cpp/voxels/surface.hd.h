// SPDX-License-Identifier: Apache-2.0
// The vertices and triangles of a layer of a block, at the places that were counted for them.
#pragma once

#include <cmath>

#include "voxels/cells.hd.h"

namespace fastcv::FASTCV_ISA {

// Reads samples of a block and of those around it, z, y and x from -1 to 9.
class Around {
 public:
  FASTCV_HD Around(const voxels::Samples& samples, std::int64_t block)
      : position(samples.position(block)), layer_(samples.layer_stride()), row_(samples.row_stride()) {
    for (int k = 0; k < 27; ++k) {
      const int dz = k / 9 - 1, dy = k / 3 % 3 - 1, dx = k % 3 - 1;
      blocks_[k] = samples.neighbor(block, position, dz, dy, dx);
      if (blocks_[k] < 0) continue;
      first_[k] = samples.first(blocks_[k], {position.z + dz, position.y + dy, position.x + dx});
    }
  }
  // Where in the arrays a sample stands that is there.
  FASTCV_HD std::int64_t place(int z, int y, int x) const {
    return first_[which(z, y, x)] + (z & 7) * layer_ + (y & 7) * row_ + (x & 7);
  }
  // `value` becomes that of the sample, if it is known.
  FASTCV_HD bool read(const voxels::Samples& samples, const std::uint64_t* known, int z, int y, int x,
                      float& value) const {
    const std::int64_t block = blocks_[which(z, y, x)];
    if (block < 0 || (layer(known, block, z & 7) >> (voxels::kBlock * (y & 7) + (x & 7)) & 1) == 0) return false;
    value = samples.values[place(z, y, x)];
    return true;
  }

  voxels::BlockPosition position;

 private:
  static FASTCV_HD int which(int z, int y, int x) { return 9 * (z >> 3) + 3 * (y >> 3) + (x >> 3) + 13; }

  std::int64_t blocks_[27], first_[27], layer_, row_;
};

struct EmitVertices {
  voxels::Samples samples;
  voxels::Signs signs;
  voxels::Surface surface;
  voxels::MeshArrays mesh;

  FASTCV_HD void operator()(std::int64_t block_layer) const {
    const std::int64_t i = block_layer / voxels::kBlock;
    layer_of(i, static_cast<int>(block_layer % voxels::kBlock), Around(samples, surface.blocks[i]));
  }
  FASTCV_HD void layer_of(std::int64_t i, int z, const Around& around) const {
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t at = 3 * (i * voxels::kBlock + z) + axis;
      std::int64_t vertex = mesh.first[2 * i] + surface.vertex_starts[at];
      for (std::uint64_t open = surface.edges[at]; open != 0; ++vertex) {
        const int bit = take_lowest(open);
        emit(vertex, around, z, bit / voxels::kBlock, bit % voxels::kBlock, axis);
      }
    }
  }

 private:
  // Differences between the samples around one, as far as they are known.
  FASTCV_HD void gradient(const Around& around, int z, int y, int x, float value, float* result) const {
    for (int axis = 0; axis < 3; ++axis) {
      const int dx = axis == 0, dy = axis == 1, dz = axis == 2;
      float low = value, high = value;
      const int steps = around.read(samples, signs.known, z - dz, y - dy, x - dx, low) +
                        around.read(samples, signs.known, z + dz, y + dy, x + dx, high);
      result[axis] = steps == 2 ? 0.5F * (high - low) : high - low;
    }
  }
  FASTCV_HD void emit(std::int64_t vertex, const Around& around, int z, int y, int x, int axis) const {
    const int ends[2][3] = {{z, y, x}, {z + (axis == 2), y + (axis == 1), x + (axis == 0)}};
    float value[2], slope[2][3];
    for (int k = 0; k < 2; ++k) {
      value[k] = samples.values[around.place(ends[k][0], ends[k][1], ends[k][2])];
      gradient(around, ends[k][0], ends[k][1], ends[k][2], value[k], slope[k]);
    }
    const float t = (samples.level - value[0]) / (value[1] - value[0]);
    const std::int64_t block[3] = {around.position.x, around.position.y, around.position.z};
    for (int a = 0; a < 3; ++a) {
      const double first = double(block[a] * voxels::kBlock + ends[0][2 - a]) + 0.5;
      const double along = first + (a == axis ? double(t) : 0.0);
      mesh.vertices[3 * vertex + a] = static_cast<float>(samples.origin[a] + samples.voxel_size * along);
    }
    float normal[3];
    for (int a = 0; a < 3; ++a) normal[a] = slope[0][a] + t * (slope[1][a] - slope[0][a]);
    write_normal(vertex, normal, axis, value[0] < value[1] ? 1.0F : -1.0F);
    if (mesh.colors) write_color(vertex, around, ends, t);
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
  FASTCV_HD void write_color(std::int64_t vertex, const Around& around, const int (*ends)[3], float t) const {
    const std::uint8_t* color[2];
    for (int k = 0; k < 2; ++k) color[k] = samples.colors + 3 * around.place(ends[k][0], ends[k][1], ends[k][2]);
    for (int c = 0; c < 3; ++c) {
      const float mixed = float(color[0][c]) + t * (float(color[1][c]) - float(color[0][c]));
      mesh.colors[3 * vertex + c] = static_cast<std::uint8_t>(mixed + 0.5F);
    }
  }
};

// A block and its neighbours on the side of the larger coordinates: their numbers, and their places in the surface.
struct Upper {
  Octet blocks, ranks;
  FASTCV_HD Upper(const voxels::Samples& samples, const voxels::Surface& surface, std::int64_t i)
      : blocks(octet<1>(samples, surface.blocks[i])), ranks(ranked(blocks, surface.ranks)) {}
};

struct EmitTriangles {
  voxels::Samples samples;
  voxels::Signs signs;
  voxels::Surface surface;
  voxels::MeshArrays mesh;
  const voxels::CubeCases* cases;

  FASTCV_HD void operator()(std::int64_t block_layer) const {
    const std::int64_t i = block_layer / voxels::kBlock;
    layer_of(i, static_cast<int>(block_layer % voxels::kBlock), Upper(samples, surface, i));
  }
  FASTCV_HD void layer_of(std::int64_t i, int z, const Upper& upper) const {
    const std::int64_t block_layer = i * voxels::kBlock + z;
    std::uint64_t open = surface.cells[block_layer];
    if (open == 0) return;
    const Quad inside = quad_after(signs.inside, upper.blocks, z), next = quad_after(signs.inside, upper.blocks, z + 1);
    std::int32_t* out = mesh.faces + 3 * (mesh.first[2 * i + 1] + surface.triangle_starts[block_layer]);
    while (open != 0) {
      const int bit = take_lowest(open);
      const voxels::CubeCase& cell = cases->of[case_of(inside, next, bit)];
      for (int k = 0; k < 3 * cell.num_triangles; ++k) {
        *out++ = vertex_on(cell.edges[k], upper.ranks, z, bit / voxels::kBlock, bit % voxels::kBlock);
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
