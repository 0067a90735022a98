// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.voxels: the names and arguments of fastcv._core.voxels, a stream in place of num_threads.
#include "cuda/voxels/carve.h"

#include "cuda/bindings/arrays.h"
// The array types come first.
#include "bindings/voxels.h"

namespace fastcv::bindings {

void bind_marching_cubes(nb::module_& m);
void bind_space_carve(nb::module_& m);
void bind_voxels_depths(nb::module_& m);
void bind_voxels_soft(nb::module_& m);
void bind_tsdf(nb::module_& m);

void bind_voxels(nb::module_& m) {
  bind_tsdf(m);
  m.def(
      "pack_masks",
      [](const MaskArgs& masks, const std::vector<int>& outside, HostMatrix<std::int64_t, voxels::kLayout> layout,
         ViewArg<std::int32_t, 1> words, ViewArg<std::int64_t, 1> sums, std::intptr_t stream) {
        const cuda::DeviceGuard guard(words.device_id());
        const auto all = masks_from(masks, outside);
        cuda::voxels::pack_masks(all.data(), {layout.data(), static_cast<std::int64_t>(all.size())}, words.data(),
                                 sums.data(), stream_from(stream));
      },
      nb::arg("masks").noconvert(), nb::arg("outside"), array("layout"), array("words"), array("sums"),
      nb::arg("stream"));
  m.def(
      "classify_blocks",
      [](FASTCV_CARVING_PARAMETERS, ViewArg<std::uint8_t, 3> states, std::intptr_t stream) {
        const cuda::DeviceGuard guard(states.device_id());
        cuda::voxels::classify_blocks(carving_from(FASTCV_CARVING_VALUES), states.data(), stream_from(stream));
      },
      FASTCV_CARVING_ARGS, array("states"), nb::arg("stream"));
  m.def(
      "carve_blocks",
      [](FASTCV_CARVING_PARAMETERS, ViewArg<const std::int64_t, 1> blocks, ViewArg<std::uint8_t, 3> bits,
         ViewArg<std::uint8_t, 1> states, std::intptr_t stream) {
        const cuda::DeviceGuard guard(bits.device_id());
        cuda::voxels::carve_blocks(carving_from(FASTCV_CARVING_VALUES), view<1>(blocks), bits.data(), states.data(),
                                   stream_from(stream));
      },
      FASTCV_CARVING_ARGS, array("blocks"), array("bits"), array("states"), nb::arg("stream"));
  bind_marching_cubes(m);
  bind_space_carve(m);
  bind_voxels_depths(m);
  bind_voxels_soft(m);
}

}  // namespace fastcv::bindings
