// SPDX-License-Identifier: Apache-2.0
// fastcv._core.mvs: refinement of depth maps
#include "bindings/mvs_refine.h"

namespace fastcv::bindings {

void bind_mvs_refine(nb::module_& m) {
  m.def(
      "refine_depth",
      [](FASTCV_REFINE_PARAMETERS, int num_threads) {
        const auto refinement = refinement_from(FASTCV_REFINE_VALUES);
        const auto map = FASTCV_REFINED_MAP;
        const nb::gil_scoped_release release;
        mvs::refine_depth(refinement, map, num_iterations, num_threads);
      },
      FASTCV_REFINE_ARGS, nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
