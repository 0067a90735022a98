// SPDX-License-Identifier: Apache-2.0
// fastcv._core.nerf: occupancy grids and marching.
#include "bindings/nerf_march.h"

namespace fastcv::bindings {

void bind_nerf_march(nb::module_& m) {
  m.def(
      "occupancy_points",
      [](const GridNumbers& grid, ViewArg<const std::int64_t, 1> cells, std::uint64_t seed, std::int64_t step,
         RowsArg<float, 3> points, int num_threads) {
        const nerf::OccupancyGrid g = occupancy_grid(grid);
        const nerf::CellPoints c = cell_points(cells, seed, step, points);
        const nb::gil_scoped_release release;
        nerf::occupancy_points(g, c, num_threads);
      },
      array("grid"), array("cells"), nb::arg("seed"), nb::arg("step"), array("points"), nb::arg("num_threads"));
  m.def(
      "occupancy_pack",
      [](const GridNumbers& grid, ViewArg<const float, 4> density, float limit, ViewArg<float, 1> threshold,
         BitsArg nodes, BitsArg words, int num_threads) {
        const nerf::OccupancyGrid g = occupancy_grid(grid);
        const nerf::OccupancyBits bits = occupancy_bits(density, limit, threshold, nodes, words);
        const nb::gil_scoped_release release;
        nerf::occupancy_pack(g, bits, num_threads);
      },
      array("grid"), array("density"), nb::arg("limit"), array("threshold"), array("nodes"), array("words"),
      nb::arg("num_threads"));
  bind_march(m)
      .def(
          "count",
          [](March& march, std::int64_t capacity, ViewArg<std::int64_t, 1> offsets, ViewArg<std::int64_t, 1> wanted,
             int num_threads) {
            const nb::gil_scoped_release release;
            march.runs = nerf::march_count(march.grid, march.rays, march.steps, capacity, offsets.data(), wanted.data(),
                                           num_threads);
          },
          nb::arg("capacity"), array("offsets"), array("wanted"), nb::arg("num_threads"))
      .def(
          "fill",
          [](const March& march, ViewArg<const std::int64_t, 1> offsets, ViewArg<float, 1> starts,
             ViewArg<float, 1> ends, ViewArg<std::int32_t, 1> ray_indices, const PointsOut& points, int num_threads) {
            const nerf::MarchSamples samples = march_samples(starts, ends, ray_indices, points);
            const nb::gil_scoped_release release;
            nerf::march_fill(march.grid, march.rays, march.steps, march.runs, offsets.data(), samples, num_threads);
          },
          array("offsets"), array("starts"), array("ends"), array("ray_indices"), array("points").none(),
          nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
