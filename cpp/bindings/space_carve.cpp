// SPDX-License-Identifier: Apache-2.0
// fastcv._core.voxels: space carving.
#include "voxels/space_carve.h"

#include "bindings/space_carve.h"

namespace fastcv::bindings {

void bind_space_carve(nb::module_& m) {
  m.def(
      "pack_photograph",
      [](ViewArg<const std::uint8_t, 3> image, ViewArg<std::int32_t, 2> pixels, int num_threads) {
        const auto levels = view<3>(image);
        const nb::gil_scoped_release release;
        voxels::pack_photograph(levels, pixels.data(), num_threads);
      },
      array("image"), array("pixels"), nb::arg("num_threads"));
  m.def(
      "cast_rays",
      [](ViewArg<const double, 1> geometry, ViewArg<const std::uint8_t, 3> states, ViewArg<std::int64_t, 2> voxels,
         ViewArg<float, 2> depths, ViewArg<const std::uint8_t, 1> tiles, ViewArg<std::uint8_t, 1> changed,
         int num_threads) {
        const auto grid = view<3>(states);
        const auto seen = view<2>(voxels);
        const nb::gil_scoped_release release;
        voxels::cast_rays(geometry.data(), grid, seen, depths.data(), tiles.data(), changed.data(), num_threads);
      },
      array("geometry"), array("states"), array("voxels"), array("depths"), array("tiles"), array("changed"),
      nb::arg("num_threads"));
  m.def(
      "touch_blocks",
      [](GeometryArg geometry, PhotoLayoutArg layout, HostNumbers<std::int64_t, 3> shape,
         ViewArg<const std::uint8_t, 1> changed, ViewArg<std::uint8_t, 3> touched, int num_threads) {
        const voxels::Photographs photos{static_cast<std::int64_t>(layout.shape(0)), geometry.data(), layout.data(),
                                         nullptr};
        const nb::gil_scoped_release release;
        voxels::touch_blocks(photos, shape.data(), changed.data(), touched.data(), num_threads);
      },
      array("geometry"), array("layout"), array("shape"), array("changed"), array("touched"), nb::arg("num_threads"));
  m.def(
      "judge_voxels",
      [](GeometryArg geometry, PhotoLayoutArg layout, ViewArg<const std::int32_t, 1> pixels,
         RowsArg<const double, 3> gains, double level_variance, double slack, int min_views,
         ViewArg<const float, 1> depths, ViewArg<const std::uint8_t, 3> states, ViewArg<const std::uint8_t, 1> changed,
         ViewArg<const std::uint8_t, 3> touched, ViewArg<std::uint8_t, 3> marks, ViewArg<std::uint8_t, 1> tiles,
         ViewArg<std::int64_t, 1> counts, int num_threads) {
        const auto photos = photographs_from(geometry, layout, pixels);
        const auto grid = view<3>(states);
        const nb::gil_scoped_release release;
        voxels::judge_voxels(photos, {gains.data(), level_variance, slack, min_views}, depths.data(), grid,
                             changed.data(), touched.data(), marks.data(), tiles.data(), counts.data(), num_threads);
      },
      array("geometry"), array("layout"), array("pixels"), array("gains"), nb::arg("level_variance"), nb::arg("slack"),
      nb::arg("min_views"), array("depths"), array("states"), array("changed"), array("touched"), array("marks"),
      array("tiles"), array("counts"), nb::arg("num_threads"));
  m.def(
      "hold_rays",
      [](ViewArg<const double, 1> geometry, ViewArg<std::uint8_t, 3> states, ViewArg<const std::uint8_t, 3> marks,
         ViewArg<const std::int64_t, 2> voxels, ViewArg<const std::uint8_t, 1> tiles, int num_threads) {
        const auto grid = view<3>(states);
        const auto seen = view<2>(voxels);
        const nb::gil_scoped_release release;
        voxels::hold_rays(geometry.data(), grid, marks.data(), seen, tiles.data(), num_threads);
      },
      array("geometry"), array("states"), array("marks"), array("voxels"), array("tiles"), nb::arg("num_threads"));
  m.def(
      "take_voxels",
      [](ViewArg<std::uint8_t, 3> states, ViewArg<const std::uint8_t, 3> touched, ViewArg<std::uint8_t, 3> marks,
         ViewArg<std::int64_t, 1> counts, ViewArg<std::uint8_t, 3> touches, int num_threads) {
        const auto grid = view<3>(states);
        const nb::gil_scoped_release release;
        voxels::take_voxels(grid, touched.data(), marks.data(), counts.data(), touches.data(), num_threads);
      },
      array("states"), array("touched"), array("marks"), array("counts"), array("touches"), nb::arg("num_threads"));
  m.def(
      "observe_voxels",
      [](GeometryArg geometry, PhotoLayoutArg layout, ViewArg<const std::int32_t, 1> pixels,
         ViewArg<const float, 1> depths, HostNumbers<std::int64_t, 3> shape, ViewArg<const std::int64_t, 1> voxels,
         ViewArg<float, 3> colors, ViewArg<float, 2> shares, int num_threads) {
        const auto photos = photographs_from(geometry, layout, pixels);
        const auto numbers = view<1>(voxels);
        const nb::gil_scoped_release release;
        voxels::observe_voxels(photos, depths.data(), shape.data(), numbers, colors.data(), shares.data(), num_threads);
      },
      array("geometry"), array("layout"), array("pixels"), array("depths"), array("shape"), array("voxels"),
      array("colors"), array("shares"), nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
