// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.mvs: refinement of depth maps, and their normals
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/mvs_refine.h"
#include "cuda/mvs/refine_depth.h"

namespace fastcv::bindings {

void bind_mvs_refine(nb::module_& m) {
  m.def(
      "refine_depth",
      [](FASTCV_REFINE_PARAMETERS, std::intptr_t stream) {
        const auto refinement = refinement_from(FASTCV_REFINE_VALUES);
        const cuda::DeviceGuard guard(depth.device_id());
        cuda::mvs::refine_depth(refinement, FASTCV_REFINED_MAP, num_iterations, stream_from(stream));
      },
      FASTCV_REFINE_ARGS, nb::arg("stream"));
  m.def(
      "depth_normals",
      [](ViewArg<const float, 2> depth, HostMatrix<double, 3> K, ViewArg<float, 3> out, std::intptr_t stream) {
        const cuda::DeviceGuard guard(depth.device_id());
        cuda::mvs::depth_normals(view<2>(depth), K.data(), view<3>(out), stream_from(stream));
      },
      array("depth"), array("K"), array("out"), nb::arg("stream"));
}

}  // namespace fastcv::bindings
