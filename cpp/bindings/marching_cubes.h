// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of marching cubes share.
#pragma once

#include <nanobind/stl/optional.h>

#include <optional>

#include "bindings/arrays.h"
#include "voxels/marching_cubes.h"

namespace fastcv::bindings {

template <class T>
using OptionalFlat = std::optional<ViewArg<T, 1>>;

// coordinates: (num_blocks, 3) and neighbors: (num_blocks, 27), or no rows for a dense array of this shape.
inline voxels::Samples samples_from(const ViewArg<const float, 1>& values,
                                    const OptionalFlat<const std::uint8_t>& valid,
                                    const OptionalFlat<const std::uint8_t>& colors,
                                    const RowsArg<const std::int32_t, 3>& coordinates,
                                    const RowsArg<const std::int32_t, 27>& neighbors,
                                    const HostNumbers<std::int64_t, 3>& shape, const HostNumbers<double, 4>& placement,
                                    float level) {
  voxels::Samples s{
      values.data(), valid ? valid->data() : nullptr, colors ? colors->data() : nullptr, level, {}, {}, {}, {}, nullptr,
      nullptr};
  std::copy(placement.data(), placement.data() + 3, s.origin);
  s.voxel_size = placement.data()[3];
  std::copy(shape.data(), shape.data() + 3, s.shape);
  s.num_blocks = s.blocks_along(0) * s.blocks_along(1) * s.blocks_along(2);
  if (coordinates.shape(0) > 0) {
    s.num_blocks = static_cast<std::int64_t>(coordinates.shape(0));
    s.blocks = coordinates.data();
    s.neighbors = neighbors.data();
  }
  return s;
}

inline voxels::Signs signs_from(const RowsArg<std::int64_t, 8>& inside, const RowsArg<std::int64_t, 8>& known,
                                const ViewArg<std::uint8_t, 1>& states) {
  return {reinterpret_cast<std::uint64_t*>(inside.data()), reinterpret_cast<std::uint64_t*>(known.data()),
          states.data()};
}

inline voxels::Surface surface_from(const ViewArg<const std::int64_t, 1>& blocks,
                                    const ViewArg<const std::int32_t, 1>& ranks, const RowsArg<std::int64_t, 8>& cells,
                                    const RowsArg<std::int64_t, 24>& edges,
                                    const RowsArg<std::int32_t, 24>& vertex_starts,
                                    const RowsArg<std::int32_t, 8>& triangle_starts) {
  return {static_cast<std::int64_t>(blocks.shape(0)),
          blocks.data(),
          ranks.data(),
          reinterpret_cast<std::uint64_t*>(cells.data()),
          reinterpret_cast<std::uint64_t*>(edges.data()),
          vertex_starts.data(),
          triangle_starts.data()};
}

}  // namespace fastcv::bindings

// The arguments of its passes: parameters, values and names.
#define FASTCV_SAMPLES_PARAMETERS                                                                                  \
  ViewArg<const float, 1> values, OptionalFlat<const std::uint8_t> valid, OptionalFlat<const std::uint8_t> colors, \
      RowsArg<const std::int32_t, 3> coordinates, RowsArg<const std::int32_t, 27> neighbors,                       \
      HostNumbers<std::int64_t, 3> shape, HostNumbers<double, 4> placement, float level,                           \
      RowsArg<std::int64_t, 8> inside, RowsArg<std::int64_t, 8> known, ViewArg<std::uint8_t, 1> states
#define FASTCV_SAMPLES samples_from(values, valid, colors, coordinates, neighbors, shape, placement, level)
#define FASTCV_SIGNS signs_from(inside, known, states)
#define FASTCV_SAMPLES_ARGS                                                                                 \
  array("values"), array("valid").none(), array("colors").none(), array("coordinates"), array("neighbors"), \
      array("shape"), array("placement"), nb::arg("level"), array("inside"), array("known"), array("states")
#define FASTCV_SURFACE_PARAMETERS                                                                              \
  ViewArg<const std::int64_t, 1> blocks, ViewArg<const std::int32_t, 1> ranks, RowsArg<std::int64_t, 8> cells, \
      RowsArg<std::int64_t, 24> edges, RowsArg<std::int32_t, 24> vertex_starts,                                \
      RowsArg<std::int32_t, 8> triangle_starts
#define FASTCV_SURFACE surface_from(blocks, ranks, cells, edges, vertex_starts, triangle_starts)
#define FASTCV_SURFACE_ARGS \
  array("blocks"), array("ranks"), array("cells"), array("edges"), array("vertex_starts"), array("triangle_starts")
