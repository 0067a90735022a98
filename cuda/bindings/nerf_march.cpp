// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.nerf: occupancy grids and marching.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/nerf_march.h"
#include "cuda/nerf/march.h"
#include "cuda/nerf/occupancy.h"

namespace fastcv::bindings {

void bind_nerf_march(nb::module_& m) {
  m.def(
      "occupancy_points",
      [](const GridNumbers& grid, ViewArg<const std::int64_t, 1> cells, std::uint64_t seed, std::int64_t step,
         RowsArg<float, 3> points, std::intptr_t stream) {
        const cuda::DeviceGuard guard(points.device_id());
        cuda::nerf::occupancy_points(occupancy_grid(grid), cell_points(cells, seed, step, points), stream_from(stream));
      },
      array("grid"), array("cells"), nb::arg("seed"), nb::arg("step"), array("points"), nb::arg("stream"));
  m.def(
      "occupancy_pack",
      [](const GridNumbers& grid, ViewArg<const float, 4> density, float limit, ViewArg<float, 1> threshold,
         BitsArg nodes, BitsArg words, std::intptr_t stream) {
        const cuda::DeviceGuard guard(density.device_id());
        cuda::nerf::occupancy_pack(occupancy_grid(grid), occupancy_bits(density, limit, threshold, nodes, words),
                                   stream_from(stream));
      },
      array("grid"), array("density"), nb::arg("limit"), array("threshold"), array("nodes"), array("words"),
      nb::arg("stream"));
  bind_march(m)
      .def(
          "count",
          [](const March& march, std::int64_t capacity, ViewArg<std::int64_t, 1> offsets,
             ViewArg<std::int64_t, 1> wanted, std::intptr_t stream) {
            const cuda::DeviceGuard guard(march.device());
            cuda::nerf::march_count(march.grid, march.rays, march.steps, capacity, offsets.data(), wanted.data(),
                                    stream_from(stream));
          },
          nb::arg("capacity"), array("offsets"), array("wanted"), nb::arg("stream"))
      .def(
          "fill",
          [](const March& march, ViewArg<const std::int64_t, 1> offsets, ViewArg<float, 1> starts,
             ViewArg<float, 1> ends, ViewArg<std::int32_t, 1> ray_indices, const PointsOut& points,
             std::intptr_t stream) {
            const cuda::DeviceGuard guard(march.device());
            cuda::nerf::march_fill(march.grid, march.rays, march.steps, offsets.data(),
                                   march_samples(starts, ends, ray_indices, points),
                                   static_cast<std::int64_t>(starts.shape(0)), stream_from(stream));
          },
          array("offsets"), array("starts"), array("ends"), array("ray_indices"), array("points").none(),
          nb::arg("stream"));
}

}  // namespace fastcv::bindings
