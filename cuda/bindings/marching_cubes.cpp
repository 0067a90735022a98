// SPDX-License-Identifier: Apache-2.0
// Marching cubes in fastcv._cuda.voxels; neighbours of blocks are found by fastcv._core.
#include "cuda/voxels/marching_cubes.h"

#include "cuda/bindings/arrays.h"
// The array types come first.
#include "bindings/marching_cubes.h"

namespace fastcv::bindings {

void bind_marching_cubes(nb::module_& m) {
  m.def(
      "classify_samples",
      [](FASTCV_SAMPLES_PARAMETERS, std::intptr_t stream) {
        const cuda::DeviceGuard guard(states.device_id());
        cuda::voxels::classify_samples(FASTCV_SAMPLES, FASTCV_SIGNS, stream_from(stream));
      },
      FASTCV_SAMPLES_ARGS, nb::arg("stream"));
  m.def(
      "find_candidates",
      [](FASTCV_SAMPLES_PARAMETERS, ViewArg<std::uint8_t, 1> candidates, std::intptr_t stream) {
        const cuda::DeviceGuard guard(states.device_id());
        cuda::voxels::find_candidates(FASTCV_SAMPLES, FASTCV_SIGNS, candidates.data(), stream_from(stream));
      },
      FASTCV_SAMPLES_ARGS, array("candidates"), nb::arg("stream"));
  m.def(
      "count_surface",
      [](FASTCV_SAMPLES_PARAMETERS, FASTCV_SURFACE_PARAMETERS, RowsArg<std::int64_t, 2> totals, std::intptr_t stream) {
        const cuda::DeviceGuard guard(states.device_id());
        cuda::voxels::mark_cells(FASTCV_SAMPLES, FASTCV_SIGNS, FASTCV_SURFACE, stream_from(stream));
        cuda::voxels::count_surface(FASTCV_SAMPLES, FASTCV_SIGNS, FASTCV_SURFACE, totals.data(), stream_from(stream));
      },
      FASTCV_SAMPLES_ARGS, FASTCV_SURFACE_ARGS, array("totals"), nb::arg("stream"));
  m.def(
      "emit_surface",
      [](FASTCV_SAMPLES_PARAMETERS, FASTCV_SURFACE_PARAMETERS, RowsArg<const std::int64_t, 2> first,
         RowsArg<float, 3> vertices, RowsArg<float, 3> normals, std::optional<RowsArg<std::uint8_t, 3>> vertex_colors,
         RowsArg<std::int32_t, 3> faces, std::intptr_t stream) {
        const voxels::MeshArrays mesh{first.data(), vertices.data(), normals.data(),
                                      vertex_colors ? vertex_colors->data() : nullptr, faces.data()};
        const cuda::DeviceGuard guard(states.device_id());
        cuda::voxels::emit_surface(FASTCV_SAMPLES, FASTCV_SIGNS, FASTCV_SURFACE, mesh, stream_from(stream));
      },
      FASTCV_SAMPLES_ARGS, FASTCV_SURFACE_ARGS, array("first"), array("vertices"), array("normals"),
      array("vertex_colors").none(), array("faces"), nb::arg("stream"));
}

}  // namespace fastcv::bindings
