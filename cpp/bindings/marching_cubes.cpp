// SPDX-License-Identifier: Apache-2.0
// Marching cubes in fastcv._core.voxels, and what feeds it.
#include "bindings/marching_cubes.h"

#include "voxels/block_neighbors.h"
#include "voxels/smooth_occupancy.h"

namespace fastcv::bindings {

void bind_marching_cubes(nb::module_& m) {
  m.def(
      "block_neighbors",
      [](ViewArg<const std::int32_t, 2> blocks, ViewArg<std::int32_t, 2> neighbors, int num_threads) {
        const nb::gil_scoped_release release;
        return voxels::block_neighbors(view<2>(blocks), neighbors.data(), num_threads);
      },
      array("blocks"), array("neighbors"), nb::arg("num_threads"));
  m.def(
      "classify_samples",
      [](FASTCV_SAMPLES_PARAMETERS, int num_threads) {
        const nb::gil_scoped_release release;
        voxels::classify_samples(FASTCV_SAMPLES, FASTCV_SIGNS, num_threads);
      },
      FASTCV_SAMPLES_ARGS, nb::arg("num_threads"));
  m.def(
      "find_candidates",
      [](FASTCV_SAMPLES_PARAMETERS, ViewArg<std::uint8_t, 1> candidates, int num_threads) {
        const nb::gil_scoped_release release;
        voxels::find_candidates(FASTCV_SAMPLES, FASTCV_SIGNS, candidates.data(), num_threads);
      },
      FASTCV_SAMPLES_ARGS, array("candidates"), nb::arg("num_threads"));
  m.def(
      "count_surface",
      [](FASTCV_SAMPLES_PARAMETERS, FASTCV_SURFACE_PARAMETERS, RowsArg<std::int64_t, 2> totals, int num_threads) {
        const nb::gil_scoped_release release;
        voxels::mark_cells(FASTCV_SAMPLES, FASTCV_SIGNS, FASTCV_SURFACE, num_threads);
        voxels::count_surface(FASTCV_SAMPLES, FASTCV_SIGNS, FASTCV_SURFACE, totals.data(), num_threads);
      },
      FASTCV_SAMPLES_ARGS, FASTCV_SURFACE_ARGS, array("totals"), nb::arg("num_threads"));
  m.def(
      "emit_surface",
      [](FASTCV_SAMPLES_PARAMETERS, FASTCV_SURFACE_PARAMETERS, RowsArg<const std::int64_t, 2> first,
         RowsArg<float, 3> vertices, RowsArg<float, 3> normals, std::optional<RowsArg<std::uint8_t, 3>> vertex_colors,
         RowsArg<std::int32_t, 3> faces, int num_threads) {
        const voxels::MeshArrays mesh{first.data(), vertices.data(), normals.data(),
                                      vertex_colors ? vertex_colors->data() : nullptr, faces.data()};
        const nb::gil_scoped_release release;
        voxels::emit_surface(FASTCV_SAMPLES, FASTCV_SIGNS, FASTCV_SURFACE, mesh, num_threads);
      },
      FASTCV_SAMPLES_ARGS, FASTCV_SURFACE_ARGS, array("first"), array("vertices"), array("normals"),
      array("vertex_colors").none(), array("faces"), nb::arg("num_threads"));
  m.def(
      "smooth_occupancy",
      [](ViewArg<const std::int32_t, 3> ranks, ViewArg<const std::uint8_t, 3> bits, HostNumbers<std::int64_t, 3> shape,
         ViewArg<const std::int32_t, 2> blocks, int passes, ViewArg<float, 4> values, int num_threads) {
        const std::int64_t* s = shape.data();
        const voxels::Occupancy occupancy{view<3>(ranks), bits.data(), {s[0], s[1], s[2]}};
        const nb::gil_scoped_release release;
        voxels::smooth_occupancy(occupancy, view<2>(blocks), passes, values.data(), num_threads);
      },
      array("ranks"), array("bits"), array("shape"), array("blocks"), nb::arg("passes"), array("values"),
      nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
