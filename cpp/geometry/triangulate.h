// SPDX-License-Identifier: Apache-2.0
// Points from the tracks of many images.
#pragma once

#include "core/view.h"

namespace fastcv::geometry {

// Tracks in compressed rows: track i owns observations point_offsets[i] to point_offsets[i + 1] - 1 of points2D
// (normalised x, y) and image_indices (rows of cam_from_world).
void triangulate(Rows<const double, 2> points2D, const std::int32_t* image_indices, const std::int64_t* point_offsets,
                 Rows<const double, 12> cam_from_world, int refine_steps, Rows<double, 3> xyz, int num_threads);

void triangulation_angles(Rows<const double, 3> xyz, Rows<const double, 3> centers, const std::int32_t* image_indices,
                          const std::int64_t* point_offsets, double* angles, int num_threads);

}  // namespace fastcv::geometry
