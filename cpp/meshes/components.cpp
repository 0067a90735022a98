// SPDX-License-Identifier: Apache-2.0
// Union-find with path halving (Tarjan & van Leeuwen 1984); the lower number becomes the root.
#include "meshes/components.h"

#include <utility>

namespace fastcv::meshes {

void connected_vertices(View<const std::int32_t, 2> faces, View<std::int32_t, 1> labels) {
  const auto find = [&](std::int32_t vertex) {
    while (labels(vertex) != vertex) vertex = labels(vertex) = labels(labels(vertex));
    return vertex;
  };
  for (std::int64_t vertex = 0; vertex < labels.shape[0]; ++vertex) labels(vertex) = static_cast<std::int32_t>(vertex);
  for (std::int64_t face = 0; face < faces.shape[0]; ++face) {
    std::int32_t root = find(faces(face, 0));
    for (int k = 1; k < 3; ++k) {
      std::int32_t other = find(faces(face, k));
      if (other < root) std::swap(root, other);
      labels(other) = root;
    }
  }
  // Roots are lower than what hangs on them, so that one step leads from each vertex to its root's label.
  for (std::int64_t vertex = 0; vertex < labels.shape[0]; ++vertex) labels(vertex) = labels(labels(vertex));
}

}  // namespace fastcv::meshes
