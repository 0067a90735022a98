// SPDX-License-Identifier: Apache-2.0
// The 256 cases of marching cubes (Lorensen & Cline 1987), derived by the compiler from the geometry of a cube.
//
// On a face whose corners alternate, the surface keeps outside corners apart and joins inside ones. Both cells at the
// face come to the same segments, so that surfaces are closed, and no triangle has an edge within a face that is not
// such a segment, so that no edge belongs to more than two triangles: what comes out is a manifold. It need not have
// the topology of the trilinear interpolant (Nielson & Hamann 1991), which a table cannot know.
#pragma once

#include <cstdint>

namespace fastcv::voxels {

// Corner 4 dz + 2 dy + dx of a cell. Edges 0 to 3 run along x, at 2 dz + dy; 4 to 7 along y, at 2 dz + dx; 8 to 11
// along z, at 2 dy + dx.
constexpr int kCorners = 8, kEdges = 12, kMostTriangles = 5;

// The triangles of a cell, counter-clockwise seen from outside, as its edges.
struct CubeCase {
  std::uint8_t num_triangles;
  std::uint8_t edges[3 * kMostTriangles];
};
struct CubeCases {
  CubeCase of[1 << kCorners];  // bit c: corner c is inside
};

namespace detail {

consteval int edge_between(int a, int b) {
  const int low = a < b ? a : b, z = low >> 2, y = low >> 1 & 1, x = low & 1;
  switch (a ^ b) {
    case 1:
      return 2 * z + y;
    case 2:
      return 4 + 2 * z + x;
    default:
      return 8 + 2 * y + x;
  }
}

struct Face {
  int corners[4];  // counter-clockwise seen from outside the cell
  int edges[4];    // edge i lies between corners i and i + 1
};

consteval Face face_of(int axis, int side) {
  const int u = 1 << (axis + 1) % 3, v = 1 << (axis + 2) % 3, base = side << axis;
  Face face{{base, base | u, base | u | v, base | v}, {}};
  if (side == 0) face = {{base, base | v, base | u | v, base | u}, {}};
  for (int i = 0; i < 4; ++i) face.edges[i] = edge_between(face.corners[i], face.corners[(i + 1) % 4]);
  return face;
}

// Whether two edges bound the same face, where a line between points on them would lie in it.
consteval bool share_face(int a, int b) {
  for (int side = 0; side < 6; ++side) {
    const Face face = face_of(side / 2, side % 2);
    int found = 0;
    for (int edge : face.edges) found += edge == a || edge == b;
    if (found == 2) return true;
  }
  return false;
}

// The edge after each in the polygons of a case, -1 where the surface does not cross it: on each face the surface runs
// from where the boundary enters the inside back to where it last left it.
struct Successors {
  int next[kEdges];
};
consteval Successors successors(int inside) {
  Successors result{};
  for (int& next : result.next) next = -1;
  for (int side = 0; side < 6; ++side) {
    const Face face = face_of(side / 2, side % 2);
    const auto is_inside = [&](int i) { return (inside >> face.corners[i % 4] & 1) != 0; };
    for (int i = 0; i < 4; ++i) {
      if (is_inside(i) || !is_inside(i + 1)) continue;
      int left = i + 3;
      while (!is_inside(left) || is_inside(left + 1)) left += 3;
      result.next[face.edges[i]] = face.edges[left % 4];
    }
  }
  return result;
}

struct Polygon {
  int size;
  int edges[kEdges];
};

// Cuts polygon[first..last] into triangles by dynamic programming over the apex above (first, last), as few of whose
// sides as possible lie in faces: none, in all of the 256 cases.
struct Cut {
  int cost[kEdges][kEdges], apex[kEdges][kEdges];
};
consteval Cut cut(const Polygon& polygon) {
  Cut best{};
  for (int length = 2; length < polygon.size; ++length) {
    for (int first = 0; first + length < polygon.size; ++first) {
      const int last = first + length;
      best.cost[first][last] = 1 << 20;
      for (int apex = first + 1; apex < last; ++apex) {
        int cost = best.cost[first][apex] + best.cost[apex][last];
        if (apex - first > 1) cost += share_face(polygon.edges[first], polygon.edges[apex]);
        if (last - apex > 1) cost += share_face(polygon.edges[apex], polygon.edges[last]);
        if (cost >= best.cost[first][last]) continue;
        best.cost[first][last] = cost;
        best.apex[first][last] = apex;
      }
    }
  }
  return best;
}

consteval void add_triangles(const Polygon& polygon, const Cut& best, int first, int last, CubeCase& result) {
  if (last - first < 2) return;
  const int apex = best.apex[first][last];
  std::uint8_t* to = result.edges + 3 * result.num_triangles++;
  to[0] = static_cast<std::uint8_t>(polygon.edges[first]);
  to[1] = static_cast<std::uint8_t>(polygon.edges[apex]);
  to[2] = static_cast<std::uint8_t>(polygon.edges[last]);
  add_triangles(polygon, best, first, apex, result);
  add_triangles(polygon, best, apex, last, result);
}

consteval CubeCases cube_cases() {
  CubeCases cases{};
  for (int inside = 0; inside < 1 << kCorners; ++inside) {
    const Successors after = successors(inside);
    bool used[kEdges] = {};
    for (int start = 0; start < kEdges; ++start) {
      if (after.next[start] < 0 || used[start]) continue;
      Polygon polygon{};
      for (int edge = start; !used[edge]; edge = after.next[edge]) {
        used[edge] = true;
        polygon.edges[polygon.size++] = edge;
      }
      const Cut best = cut(polygon);
      if (best.cost[0][polygon.size - 1] != 0) throw "a triangle has a side within a face";
      add_triangles(polygon, best, 0, polygon.size - 1, cases.of[inside]);
    }
  }
  return cases;
}

}  // namespace detail

constexpr CubeCases kCubeCases = detail::cube_cases();

}  // namespace fastcv::voxels
