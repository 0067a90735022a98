// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.voxels: carving by depth maps.
#include "cuda/voxels/carve.h"

#include "cuda/bindings/arrays.h"
// The array types come first.
#include "bindings/voxels_depths.h"

namespace fastcv::bindings {

void bind_voxels_depths(nb::module_& m) {
  m.def(
      "pack_depths",
      [](const DepthArgs& maps, HostLayout layout, ViewArg<float, 1> ranges, std::intptr_t stream) {
        const cuda::DeviceGuard guard(ranges.device_id());
        const auto all = depths_from(maps);
        cuda::voxels::pack_depths(all.data(), {layout.data(), static_cast<std::int64_t>(all.size())}, ranges.data(),
                                  stream_from(stream));
      },
      nb::arg("maps").noconvert(), array("layout"), array("ranges"), nb::arg("stream"));
  m.def(
      "classify_blocks_by_depth",
      [](FASTCV_DEPTH_CARVING_PARAMETERS, ViewArg<std::uint8_t, 3> states, std::intptr_t stream) {
        const cuda::DeviceGuard guard(states.device_id());
        cuda::voxels::classify_blocks(depth_carving_from(FASTCV_DEPTH_CARVING_VALUES), states.data(),
                                      stream_from(stream));
      },
      FASTCV_DEPTH_CARVING_ARGS, array("states"), nb::arg("stream"));
  m.def(
      "carve_blocks_by_depth",
      [](FASTCV_DEPTH_CARVING_PARAMETERS, ViewArg<const std::int64_t, 1> blocks, ViewArg<std::uint8_t, 3> bits,
         ViewArg<std::uint8_t, 1> states, std::intptr_t stream) {
        const cuda::DeviceGuard guard(bits.device_id());
        cuda::voxels::carve_blocks(depth_carving_from(FASTCV_DEPTH_CARVING_VALUES), view<1>(blocks), bits.data(),
                                   states.data(), stream_from(stream));
      },
      FASTCV_DEPTH_CARVING_ARGS, array("blocks"), array("bits"), array("states"), nb::arg("stream"));
}

}  // namespace fastcv::bindings
