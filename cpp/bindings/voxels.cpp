// SPDX-License-Identifier: Apache-2.0
// fastcv._core.voxels
#include "bindings/voxels.h"

#include "voxels/carve.h"

namespace fastcv::bindings {

void bind_marching_cubes(nb::module_& m);
void bind_space_carve(nb::module_& m);
void bind_tsdf(nb::module_& m);
void bind_voxels_depths(nb::module_& m);
void bind_voxels_soft(nb::module_& m);

void bind_voxels(nb::module_& m) {
  m.def(
      "pack_masks",
      [](const MaskArgs& masks, const std::vector<int>& outside, HostMatrix<std::int64_t, voxels::kLayout> layout,
         ViewArg<std::int32_t, 1> words, ViewArg<std::int64_t, 1> sums, int num_threads) {
        const auto all = masks_from(masks, outside);
        const Rows<const std::int64_t, voxels::kLayout> l{layout.data(), static_cast<std::int64_t>(all.size())};
        const nb::gil_scoped_release release;
        voxels::pack_masks(all.data(), l, words.data(), sums.data(), num_threads);
      },
      nb::arg("masks").noconvert(), nb::arg("outside"), array("layout"), array("words"), array("sums"),
      nb::arg("num_threads"));
  m.def(
      "classify_blocks",
      [](FASTCV_CARVING_PARAMETERS, ViewArg<std::uint8_t, 3> states, int num_threads) {
        const auto carving = carving_from(FASTCV_CARVING_VALUES);
        const nb::gil_scoped_release release;
        voxels::classify_blocks(carving, states.data(), num_threads);
      },
      FASTCV_CARVING_ARGS, array("states"), nb::arg("num_threads"));
  m.def(
      "carve_blocks",
      [](FASTCV_CARVING_PARAMETERS, ViewArg<const std::int64_t, 1> blocks, ViewArg<std::uint8_t, 3> bits,
         ViewArg<std::uint8_t, 1> states, int num_threads) {
        const auto carving = carving_from(FASTCV_CARVING_VALUES);
        const auto numbers = view<1>(blocks);
        const nb::gil_scoped_release release;
        voxels::carve_blocks(carving, numbers, bits.data(), states.data(), num_threads);
      },
      FASTCV_CARVING_ARGS, array("blocks"), array("bits"), array("states"), nb::arg("num_threads"));
  bind_marching_cubes(m);
  bind_space_carve(m);
  bind_tsdf(m);
  bind_voxels_depths(m);
  bind_voxels_soft(m);
}

}  // namespace fastcv::bindings
