// SPDX-License-Identifier: Apache-2.0
// Arguments of the nerf room: half precision, and a hash grid with points. Shared by the CPU and CUDA bindings.
#pragma once

#include <optional>
#include <utility>

#include <nanobind/stl/optional.h>

#include "bindings/arrays.h"
#include "nerf/hash_grid.h"

namespace nanobind::detail {
template <>
struct dtype_traits<fastcv::Half> {
  static constexpr dlpack::dtype value{static_cast<std::uint8_t>(dlpack::dtype_code::Float), 16, 1};
  static constexpr auto name = const_name("float16");
};
}  // namespace nanobind::detail

namespace fastcv::bindings {

// What fastcv.nerf.HashGrid lays out: a row (dims, features, active levels, smooth, 0), then one for each level
// (offset, resolution, size, indexing, bits of its scale as a float32).
using Grid = HostMatrix<std::int64_t, 5>;
template <class P>
using Tangents = std::optional<ViewArg<const P, 2>>;

template <class P>
std::pair<nerf::HashGrid, nerf::GridPoints<P>> grid_points(const Grid& grid, const ViewArg<const P, 2>& points,
                                                           const Tangents<P>& tangents) {
  const auto number = [&](std::size_t row, int k) { return static_cast<int>(grid.data()[5 * row + k]); };
  nerf::HashGrid g{number(0, 0), number(0, 1),      static_cast<int>(grid.shape(0)) - 1,
                   number(0, 2), number(0, 3) != 0, {}};
  for (int l = 0; l < g.num_levels; ++l) {
    g.levels[l] = {grid.data()[5 * (l + 1)], __builtin_bit_cast(float, number(l + 1, 4)), number(l + 1, 1),
                   number(l + 1, 2), static_cast<nerf::GridIndexing>(number(l + 1, 3))};
  }
  return {g, {points.data(), tangents ? tangents->data() : nullptr, static_cast<std::int64_t>(points.shape(0))}};
}

}  // namespace fastcv::bindings
