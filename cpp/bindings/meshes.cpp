// SPDX-License-Identifier: Apache-2.0
// fastcv._core.meshes
#include "bindings/arrays.h"
#include "meshes/components.h"
#include "meshes/rasterize.h"

namespace fastcv::bindings {

void bind_meshes(nb::module_& m) {
  m.def(
      "connected_vertices",
      [](ViewArg<const std::int32_t, 2> faces, ViewArg<std::int32_t, 1> labels) {
        const nb::gil_scoped_release release;
        meshes::connected_vertices(view<2>(faces), view<1>(labels));
      },
      array("faces"), array("labels"));
  m.def(
      "rasterize",
      [](ViewArg<const double, 2> vertices, ViewArg<const std::int32_t, 2> faces, ViewArg<float, 2> depth,
         ViewArg<std::int32_t, 2> pixel_faces, ViewArg<float, 3> weights, int num_threads) {
        const auto d = view<2>(depth);
        const meshes::Raster raster{d.shape[0], d.shape[1], d.data, pixel_faces.data(), weights.data()};
        const nb::gil_scoped_release release;
        meshes::rasterize({view<2>(vertices), view<2>(faces)}, raster, num_threads);
      },
      array("vertices"), array("faces"), array("depth"), array("pixel_faces"), array("weights"),
      nb::arg("num_threads"));
}

}  // namespace fastcv::bindings
