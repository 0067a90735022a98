// SPDX-License-Identifier: Apache-2.0
// fastcv._core.voxels: carving by depth maps.
#include "bindings/voxels_depths.h"

#include "voxels/carve.h"

namespace fastcv::bindings {

void bind_voxels_depths(nb::module_& m) {
  m.def(
      "pack_depths",
      [](const DepthArgs& maps, HostLayout layout, ViewArg<float, 1> ranges, int num_threads) {
        const auto all = depths_from(maps);
        const Rows<std::int64_t, voxels::kLayout> l{layout.data(), static_cast<std::int64_t>(all.size())};
        const nb::gil_scoped_release release;
        voxels::pack_depths(all.data(), l, ranges.data(), num_threads);
      },
      nb::arg("maps").noconvert(), array("layout"), array("ranges"), nb::arg("num_threads"));
  m.def(
      "classify_blocks_by_depth",
      [](FASTCV_DEPTH_CARVING_PARAMETERS, ViewArg<std::uint8_t, 3> states, int num_threads) {
        const auto carving = depth_carving_from(FASTCV_DEPTH_CARVING_VALUES);
        const nb::gil_scoped_release release;
        voxels::classify_blocks(carving, states.data(), num_threads);
      },
      FASTCV_DEPTH_CARVING_ARGS, array("states"), nb::arg("num_threads"));
  m.def(
      "carve_blocks_by_depth",
      [](FASTCV_DEPTH_CARVING_PARAMETERS, ViewArg<const std::int64_t, 1> blocks, ViewArg<std::uint8_t, 3> bits,
         ViewArg<std::uint8_t, 1> states, int num_threads) {
        const auto carving = depth_carving_from(FASTCV_DEPTH_CARVING_VALUES);
        const auto numbers = view<1>(blocks);
        const nb::gil_scoped_release release;
        voxels::carve_blocks(carving, numbers, bits.data(), states.data(), num_threads);
      },
      FASTCV_DEPTH_CARVING_ARGS, array("blocks"), array("bits"), array("states"), nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
