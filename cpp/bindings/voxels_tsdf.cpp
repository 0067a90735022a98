// SPDX-License-Identifier: Apache-2.0
// fastcv._core.voxels: fusion of depth maps, and ray-casting.
#include "bindings/voxels_tsdf.h"

namespace fastcv::bindings {
namespace {

template <class T>
void bind_pack_frames(nb::module_& m) {
  m.def(
      "pack_frames",
      [](ViewArg<const T, 3> from, float scale, float max_depth, Optional<const std::uint8_t, 4> rgb,
         Optional<const float, 3> weights, ViewArg<float, 3> depths, Optional<std::int32_t, 3> colors,
         ViewArg<float, 3> ranges, int num_threads) {
        const voxels::PixelExtras extras{data_or_null(rgb), data_or_null(weights)};
        const voxels::PackedFrames out{depths.data(), data_or_null(colors), ranges.data()};
        const auto maps = view<3>(from);
        const nb::gil_scoped_release release;
        voxels::pack_frames(maps, scale, max_depth, extras, out, num_threads);
      },
      array("from"), nb::arg("scale"), nb::arg("max_depth"), array("rgb").none(), array("weights").none(),
      array("depths"), array("colors").none(), array("ranges"), nb::arg("num_threads"));
}

}  // namespace

void bind_tsdf(nb::module_& m) {
  m.def(
      "num_depth_windows",
      [](std::int64_t height, std::int64_t width) { return voxels::DepthWindows(height, width).count(); },
      nb::arg("height"), nb::arg("width"));
  bind_pack_frames<float>(m);
  bind_pack_frames<std::uint16_t>(m);
  m.def(
      "insert_blocks",
      [](RowsArg<const std::int32_t, 3> blocks, std::int64_t begin, ViewArg<std::int64_t, 1> keys,
         ViewArg<std::int32_t, 1> slots, int /*num_threads*/) {
        const auto all = rows<3>(blocks);
        const auto size = static_cast<std::int64_t>(keys.shape(0));
        const nb::gil_scoped_release release;
        return voxels::insert_blocks(all, begin, size, keys.data(), slots.data());
      },
      array("blocks"), nb::arg("begin"), array("keys"), array("slots"), nb::arg("num_threads"));
  m.def(
      "find_blocks",
      [](FASTCV_FUSION_PARAMETERS, ViewArg<const std::int64_t, 1> keys, ViewArg<const std::int32_t, 1> slots,
         std::int64_t limit, RowsArg<std::int32_t, 3> blocks, ViewArg<std::int32_t, 1> first_frames, int num_threads) {
        const auto fusion = fusion_from(FASTCV_FUSION_VALUES);
        const auto table = table_from(keys, slots);
        const auto found = rows<3>(blocks);
        const nb::gil_scoped_release release;
        return voxels::find_blocks(fusion, table, limit, found, first_frames.data(), num_threads);
      },
      FASTCV_FUSION_ARGS, array("keys"), array("slots"), nb::arg("limit"), array("blocks"), array("first_frames"),
      nb::arg("num_threads"));
  m.def(
      "integrate",
      [](FASTCV_FUSION_PARAMETERS, RowsArg<const std::int32_t, 3> blocks, ViewArg<const std::int32_t, 1> first_frames,
         ViewArg<float, 4> values, ViewArg<float, 4> block_weights, Optional<float, 5> block_colors, int num_threads) {
        const auto fusion = fusion_from(FASTCV_FUSION_VALUES);
        const voxels::BlockVoxels voxels{values.data(), block_weights.data(), data_or_null(block_colors)};
        const auto all = rows<3>(blocks);
        const auto first = view<1>(first_frames);
        const nb::gil_scoped_release release;
        voxels::integrate(fusion, all, first, voxels, num_threads);
      },
      FASTCV_FUSION_ARGS, array("blocks"), array("first_frames"), array("values"), array("block_weights"),
      array("block_colors").none(), nb::arg("num_threads"));
  m.def(
      "raycast",
      [](FASTCV_SURFACE_PARAMETERS, FASTCV_RAY_PARAMETERS, FASTCV_RENDER_PARAMETERS, int num_threads) {
        const voxels::Surface surface FASTCV_SURFACE_VALUES;
        const voxels::RenderBuffers out FASTCV_RENDER_VALUES;
        auto* parts = reinterpret_cast<std::uint32_t*>(occupied.data());
        const auto rays = ray_view_from(geometry, slopes, ranges, parts);
        const auto all = rows<3>(blocks);
        const nb::gil_scoped_release release;
        voxels::find_depths(rays, cam_from_voxel.data(), all, ranges.data(), parts);
        voxels::raycast(surface, rays, out, num_threads);
      },
      FASTCV_SURFACE_ARGS, FASTCV_RAY_ARGS, FASTCV_RENDER_ARGS, nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
