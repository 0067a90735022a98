// SPDX-License-Identifier: Apache-2.0
// Arguments of occupancy grids and of marching. Shared by the CPU and CUDA bindings.
#pragma once

#include <nanobind/stl/optional.h>

#include <optional>
#include <utility>

#include "bindings/arrays.h"
#include "nerf/march.h"
#include "nerf/occupancy.h"

namespace fastcv::bindings {

// What fastcv.nerf.OccupancyGrid.numbers says: resolution, levels, the box's centre, cells per length along x, y, z.
using GridNumbers = HostNumbers<double, 8>;
// 64 bits each; their sign has no meaning.
using BitsArg = ViewArg<std::int64_t, 1>;
using ConstBitsArg = ViewArg<const std::int64_t, 1>;

inline nerf::OccupancyGrid occupancy_grid(const GridNumbers& numbers) {
  const double* n = numbers.data();
  nerf::OccupancyGrid grid{static_cast<std::int32_t>(n[0]), static_cast<std::int32_t>(n[1]), {}, {}, nullptr, nullptr};
  for (int axis = 0; axis < 3; ++axis) {
    grid.center[axis] = static_cast<float>(n[2 + axis]);
    grid.cells_per_length[axis] = static_cast<float>(n[5 + axis]);
  }
  return grid;
}

inline std::uint64_t* bits_of(const BitsArg& array) { return reinterpret_cast<std::uint64_t*>(array.data()); }
inline const std::uint64_t* bits_of(const ConstBitsArg& array) {
  return reinterpret_cast<const std::uint64_t*>(array.data());
}

inline nerf::CellPoints cell_points(const ViewArg<const std::int64_t, 1>& cells, std::uint64_t seed, std::int64_t step,
                                    const RowsArg<float, 3>& points) {
  return {cells.data(), static_cast<std::int64_t>(cells.shape(0)), seed, step, points.data()};
}

inline nerf::OccupancyBits occupancy_bits(const ViewArg<const float, 4>& density, float limit,
                                          const ViewArg<float, 1>& threshold, const BitsArg& nodes,
                                          const BitsArg& words) {
  return {density.data(), limit, threshold.data(), bits_of(nodes), bits_of(words)};
}

// Rays on their way through a grid, whose arrays stay alive with this. Counted first, then filled.
class March {
 public:
  March(const GridNumbers& grid, ConstBitsArg nodes, ConstBitsArg words, RowsArg<const float, 3> origins,
        RowsArg<const float, 3> directions, ViewArg<const float, 1> near, ViewArg<const float, 1> far,
        const HostNumbers<double, 3>& steps, std::optional<std::uint64_t> seed, std::int64_t first_ray)
      : grid(occupancy_grid(grid)),
        nodes_(std::move(nodes)),
        words_(std::move(words)),
        origins_(std::move(origins)),
        directions_(std::move(directions)),
        near_(std::move(near)),
        far_(std::move(far)) {
    this->grid.nodes = bits_of(nodes_);
    this->grid.words = bits_of(words_);
    rays = {origins_.data(), directions_.data(), near_.data(), far_.data(),
            static_cast<std::int64_t>(origins_.shape(0))};
    const double* s = steps.data();
    this->steps = {static_cast<float>(s[0]), static_cast<float>(s[1]), static_cast<float>(s[2]),
                   seed.has_value(),         seed.value_or(0),         first_ray};
  }

  nerf::OccupancyGrid grid;
  nerf::MarchRays rays{};
  nerf::MarchSteps steps{};
  nerf::MarchRuns runs;  // of the CPU

  int device() const { return origins_.device_id(); }

 private:
  ConstBitsArg nodes_, words_;
  RowsArg<const float, 3> origins_, directions_;
  ViewArg<const float, 1> near_, far_;
};

inline auto bind_march(nb::module_& m) {
  return nb::class_<March>(m, "March")
      .def(nb::init<const GridNumbers&, ConstBitsArg, ConstBitsArg, RowsArg<const float, 3>, RowsArg<const float, 3>,
                    ViewArg<const float, 1>, ViewArg<const float, 1>, const HostNumbers<double, 3>&,
                    std::optional<std::uint64_t>, std::int64_t>(),
           array("grid"), array("nodes"), array("words"), array("origins"), array("directions"), array("near"),
           array("far"), array("steps"), nb::arg("seed").none(), nb::arg("first_ray"));
}

using PointsOut = std::optional<RowsArg<float, 3>>;

inline nerf::MarchSamples march_samples(const ViewArg<float, 1>& starts, const ViewArg<float, 1>& ends,
                                        const ViewArg<std::int32_t, 1>& ray_indices, const PointsOut& points) {
  return {starts.data(), ends.data(), ray_indices.data(), points ? points->data() : nullptr};
}

}  // namespace fastcv::bindings
