// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of fusion and ray-casting share.
#pragma once

#include <nanobind/stl/optional.h>

#include <optional>

#include "bindings/arrays.h"
#include "voxels/raycast.h"
#include "voxels/tsdf.h"

namespace fastcv::bindings {

template <class T, int Rank>
using Optional = std::optional<ViewArg<T, Rank>>;
template <class Array>
auto data_or_null(const std::optional<Array>& array) {
  return array ? array->data() : nullptr;
}

inline voxels::Fusion fusion_from(const RowsArg<const double, 12>& image_from_voxel,
                                  const ViewArg<const float, 3>& depths, const ViewArg<const float, 3>& ranges,
                                  const Optional<const std::int32_t, 3>& colors,
                                  const Optional<const float, 3>& weights, float truncation, float weight,
                                  float max_weight) {
  const auto d = view<3>(depths);
  return {{d.shape[0], d.shape[1], d.shape[2], image_from_voxel.data(), d.data, data_or_null(colors),
           data_or_null(weights), ranges.data(), voxels::DepthWindows(d.shape[1], d.shape[2])},
          truncation,
          weight,
          max_weight};
}

inline voxels::BlockTable table_from(const ViewArg<const std::int64_t, 1>& keys,
                                     const ViewArg<const std::int32_t, 1>& slots) {
  return {static_cast<std::int64_t>(keys.shape(0)), keys.data(), slots.data()};
}

// geometry: voxel_from_cam (12), voxel_size, near, far, first slope along x and y, cells per slope along x and y.
using RayGeometry = HostNumbers<double, 19>;
inline voxels::RayView ray_view_from(const RayGeometry& geometry, const ViewArg<const float, 3>& slopes,
                                     const ViewArg<float, 3>& ranges, const std::uint32_t* occupied) {
  voxels::RayView result{};
  const double* g = geometry.data();
  for (int k = 0; k < 12; ++k) result.voxel_from_cam[k] = g[k];
  result.voxel_size = g[12];
  result.near = g[13];
  result.far = g[14];
  for (int axis = 0; axis < 2; ++axis) {
    result.first_slope[axis] = g[15 + axis];
    result.cells_per_slope[axis] = g[17 + axis];
  }
  result.slopes = view<3>(slopes);
  result.rows = static_cast<std::int64_t>(ranges.shape(0));
  result.columns = static_cast<std::int64_t>(ranges.shape(1));
  result.ranges = ranges.data();
  result.occupied = occupied;
  return result;
}

}  // namespace fastcv::bindings

// The arguments of a fusion: parameters, values and names.
#define FASTCV_FUSION_PARAMETERS                                                                                \
  RowsArg<const double, 12> image_from_voxel, ViewArg<const float, 3> depths, ViewArg<const float, 3> ranges,   \
      Optional<const std::int32_t, 3> colors, Optional<const float, 3> weights, float truncation, float weight, \
      float max_weight
#define FASTCV_FUSION_VALUES image_from_voxel, depths, ranges, colors, weights, truncation, weight, max_weight
#define FASTCV_FUSION_ARGS                                                                                      \
  array("image_from_voxel"), array("depths"), array("ranges"), array("colors").none(), array("weights").none(), \
      nb::arg("truncation"), nb::arg("weight"), nb::arg("max_weight")
// The arguments of a surface to look at.
#define FASTCV_SURFACE_PARAMETERS                                                                            \
  ViewArg<const std::int64_t, 1> keys, ViewArg<const std::int32_t, 1> slots, ViewArg<const float, 4> values, \
      ViewArg<const float, 4> block_weights, Optional<const float, 5> block_colors, float min_weight
#define FASTCV_SURFACE_VALUES \
  { table_from(keys, slots), values.data(), block_weights.data(), data_or_null(block_colors), min_weight }
#define FASTCV_SURFACE_ARGS                                                                             \
  array("keys"), array("slots"), array("values"), array("block_weights"), array("block_colors").none(), \
      nb::arg("min_weight")
// Rays through it, and arrays for the depths at which they meet blocks.
#define FASTCV_RAY_PARAMETERS                                                                          \
  RowsArg<const std::int32_t, 3> blocks, RayGeometry geometry, HostNumbers<double, 12> cam_from_voxel, \
      ViewArg<const float, 3> slopes, ViewArg<float, 3> ranges, ViewArg<std::int32_t, 2> occupied
#define FASTCV_RAY_ARGS \
  array("blocks"), array("geometry"), array("cam_from_voxel"), array("slopes"), array("ranges"), array("occupied")
// What a view of a surface is drawn into.
#define FASTCV_RENDER_PARAMETERS ViewArg<float, 2> depth, ViewArg<float, 3> normals, Optional<std::uint8_t, 3> colors
#define FASTCV_RENDER_VALUES \
  { depth.data(), normals.data(), data_or_null(colors) }
#define FASTCV_RENDER_ARGS array("depth"), array("normals"), array("colors").none()
