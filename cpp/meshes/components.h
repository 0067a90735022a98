// SPDX-License-Identifier: Apache-2.0
// Which vertices triangles connect.
#pragma once

#include "core/view.h"

namespace fastcv::meshes {

// labels: (N,), the lowest number of a vertex that triangles connect with each.
void connected_vertices(View<const std::int32_t, 2> faces, View<std::int32_t, 1> labels);

}  // namespace fastcv::meshes
